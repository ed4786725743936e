"""`facerec collections`: list, create, describe and delete collections."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.options import data_option, json_option, probability
from facerec.cli.output import console, count, print_json, table
from facerec.cli.receipts import print_receipt
from facerec.factory import open_gallery
from facerec.gallery.collections import CollectionSummary
from facerec.gallery.presenting import collection_json, summary_json


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
    """Create an empty collection.

    \b
    Example:
      facerec collections create staff
    """
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
    """Show a collection: its numbers of faces and users, model version and age.

    \b
    Example:
      facerec collections describe staff
    """
    with open_gallery(data_folder(data)) as gallery:
        summary = gallery.describe_collection(name)
    if as_json:
        print_json(summary_json(summary))
    else:
        _print([summary])


@collections.command("set-threshold")
@click.argument("name")
@click.argument("threshold", type=probability, required=False)
@click.option("--default", "clear", is_flag=True, help="Go back to the general default.")
@data_option
@json_option
def set_threshold(
    name: str, threshold: float | None, clear: bool, data: Path | None, as_json: bool
) -> None:
    """Set the minimum similarity of a match where a search gives none.

    `facerec calibrate` measures which one suits a collection.

    \b
    Examples:
      facerec collections set-threshold staff 0.93
      facerec collections set-threshold staff --default
    """
    if (threshold is None) != clear:
        raise click.UsageError("give either THRESHOLD or --default")
    with open_gallery(data_folder(data)) as gallery:
        collection = gallery.set_threshold(name, threshold)
    if as_json:
        print_json(collection_json(collection))
    elif threshold is None:
        console().print(f"collection {name} has the default threshold again")
    else:
        console().print(f"collection {name} has the threshold {threshold:g}")


@collections.command("refresh-stats")
@click.argument("name")
@data_option
def refresh_stats(name: str, data: Path | None) -> None:
    """Store the cohort stats of faces that an earlier facerec indexed.

    Searches are as accurate without, but slower. It needs no photo. The collection can be used at
    the same time.

    \b
    Example:
      facerec collections refresh-stats staff
    """
    with open_gallery(data_folder(data)) as gallery:
        refreshed = gallery.refresh_stats(name)
    console().print(f"stats of {count(refreshed, 'face')} stored in collection {name}")


@collections.command()
@click.argument("name")
@data_option
@click.option("--yes", is_flag=True, help="Delete without asking for confirmation.")
@json_option
def delete(name: str, data: Path | None, yes: bool, as_json: bool) -> None:
    """Delete a collection for good: its faces, and its jobs with their ledgers.

    The receipt says what was removed from where; it is kept: see `facerec erasures`.

    \b
    Example:
      facerec collections delete staff --yes
    """
    with open_gallery(data_folder(data)) as gallery:
        faces = count(gallery.describe_collection(name).face_count, "face")
        if not yes:
            click.confirm(f"delete collection {name} with {faces} for good?", abort=True, err=True)
        receipt = gallery.delete_collection(name)
    if as_json:
        print_json(receipt.to_json())
    else:
        console().print(f"collection {name} with {faces} deleted")
        print_receipt(receipt)


def _print(summaries: list[CollectionSummary]) -> None:
    rows = table("collection", "faces", "users", "created", "model", right=("faces", "users"))
    for summary in summaries:
        collection = summary.collection
        created = datetime.fromtimestamp(collection.created_at, UTC)
        rows.add_row(
            collection.collection_id,
            f"{summary.face_count:,}",
            f"{summary.user_count:,}",
            f"{created:%Y-%m-%d %H:%M UTC}",
            collection.model_version,
        )
    console().print(rows)
