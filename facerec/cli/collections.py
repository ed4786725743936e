"""`facerec collections`: the collections of faces."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import data_option, json_option

if TYPE_CHECKING:
    from facerec.gallery.collections import CollectionDescription


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
    from facerec.cli.parts import data_folder, open_store
    from facerec.gallery.collections import CollectionDescription
    from facerec.gallery.presenting import description_json

    with open_store(data_folder(data)) as store:
        found = [
            CollectionDescription(each, store.count_faces(each.collection_id))
            for each in store.list_collections()
        ]
    if as_json:
        print_json([description_json(each) for each in found])
    elif found:
        _print(found)
    else:
        console().print("no collections yet; `facerec index` makes one")


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
    from facerec.cli.parts import data_folder, open_store
    from facerec.engine.dlib.version import model_version
    from facerec.gallery.collections import create_collection
    from facerec.gallery.presenting import collection_json

    with open_store(data_folder(data)) as store:
        made = create_collection(
            name, model_version=model_version(), now=time.time(), records=store
        )
    if as_json:
        print_json(collection_json(made))
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
    from facerec.cli.parts import data_folder, open_store
    from facerec.gallery.collections import describe_collection
    from facerec.gallery.presenting import description_json

    with open_store(data_folder(data)) as store:
        found = describe_collection(name, records=store, faces=store)
    if as_json:
        print_json(description_json(found))
    else:
        _print([found])


@collections.command()
@click.argument("name")
@data_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, data: Path | None, yes: bool) -> None:
    """Delete the collection NAME for good: its faces, and its jobs with their ledgers.

    \b
    Example:
      facerec collections delete staff --yes
    """
    from facerec.cli.output import console, count
    from facerec.cli.parts import data_folder, jobs_folder, open_store
    from facerec.gallery.collections import delete_collection, describe_collection
    from facerec.jobs.ledger.erasure import delete_jobs
    from facerec.storage.objects.routed import open_objects

    folder = data_folder(data)
    with open_store(folder) as store:
        found = describe_collection(name, records=store, faces=store)
        faces = count(found.face_count, "face")
        if not yes:
            click.confirm(f"delete collection {name} with {faces} for good?", abort=True, err=True)
        # The jobs hold embeddings too: were they deleted last, an interruption would leave them
        # behind with no collection to delete.
        delete_jobs(open_objects(), jobs_folder(folder), name)
        delete_collection(name, records=store, faces=store)
    console().print(f"collection {name} with {faces} deleted")


def _print(found: list[CollectionDescription]) -> None:
    from datetime import UTC, datetime

    from facerec.cli.output import console, table

    shown = table("collection", "faces", "created", "model", right=("faces",))
    for each in found:
        collection = each.collection
        created = datetime.fromtimestamp(collection.created_at, UTC)
        shown.add_row(
            collection.collection_id,
            f"{each.face_count:,}",
            f"{created:%Y-%m-%d %H:%M UTC}",
            collection.model_version,
        )
    console().print(shown)
