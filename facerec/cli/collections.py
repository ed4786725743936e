"""`facerec collections`: the collections of faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import data_option, json_option

if TYPE_CHECKING:
    from facerec.gallery.collections import CollectionSummary


@click.group()
def collections() -> None:
    """List, create, describe and delete collections."""


@collections.command("list")
@data_option
@json_option
def list_command(data: Path | None, as_json: bool) -> None:
    """List all collections.

    \b
    Example:
      facerec collections list
    """
    from facerec.cli.output import console, print_json
    from facerec.cli.parts import data_folder
    from facerec.factory import open_gallery
    from facerec.gallery.presenting import summary_json

    with open_gallery(data_folder(data)) as gallery:
        summaries = [
            gallery.describe_collection(collection.collection_id)
            for collection in gallery.all_collections()
        ]
    if as_json:
        print_json([summary_json(summary) for summary in summaries])
    elif summaries:
        _print(summaries)
    else:
        console().print("no collections yet; `facerec index` creates one")


@collections.command()
@click.argument("name")
@data_option
@json_option
def create(name: str, data: Path | None, as_json: bool) -> None:
    """Create the empty collection NAME.

    \b
    Example:
      facerec collections create staff
    """
    from facerec.cli.output import console, print_json
    from facerec.cli.parts import data_folder
    from facerec.factory import open_gallery
    from facerec.gallery.presenting import collection_json

    with open_gallery(data_folder(data)) as gallery:
        collection = gallery.create_collection(name)
    if as_json:
        print_json(collection_json(collection))
    else:
        console().print(f"collection {name} created")


@collections.command()
@click.argument("name")
@data_option
@json_option
def describe(name: str, data: Path | None, as_json: bool) -> None:
    """Show the collection NAME: its faces, model and age.

    \b
    Example:
      facerec collections describe staff
    """
    from facerec.cli.output import print_json
    from facerec.cli.parts import data_folder
    from facerec.factory import open_gallery
    from facerec.gallery.presenting import summary_json

    with open_gallery(data_folder(data)) as gallery:
        summary = gallery.describe_collection(name)
    if as_json:
        print_json(summary_json(summary))
    else:
        _print([summary])


@collections.command()
@click.argument("name")
@data_option
@click.option("--yes", is_flag=True, help="Delete without asking for confirmation.")
def delete(name: str, data: Path | None, yes: bool) -> None:
    """Delete the collection NAME for good: its faces, and its jobs with their ledgers.

    \b
    Example:
      facerec collections delete staff --yes
    """
    from facerec.cli.output import console, count
    from facerec.cli.parts import data_folder
    from facerec.factory import open_gallery

    with open_gallery(data_folder(data)) as gallery:
        faces = count(gallery.describe_collection(name).face_count, "face")
        if not yes:
            click.confirm(f"delete collection {name} with {faces} for good?", abort=True, err=True)
        gallery.delete_collection(name)
    console().print(f"collection {name} with {faces} deleted")


def _print(summaries: list[CollectionSummary]) -> None:
    from datetime import UTC, datetime

    from facerec.cli.output import console, table

    shown = table("collection", "faces", "created", "model", right=("faces",))
    for summary in summaries:
        collection = summary.collection
        created = datetime.fromtimestamp(collection.created_at, UTC)
        shown.add_row(
            collection.collection_id,
            f"{summary.face_count:,}",
            f"{created:%Y-%m-%d %H:%M UTC}",
            collection.model_version,
        )
    console().print(shown)
