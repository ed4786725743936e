"""`facerec collections export` and `facerec collections import`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.options import data_option, json_option
from facerec.cli.output import console, count, print_json

if TYPE_CHECKING:
    from facerec.gallery.transfer.exported_collection import TransferredCollection


@click.command()
@click.argument("name")
@data_option
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder to create; one that exists must be empty.",
)
@json_option
def export(name: str, data: Path | None, output: Path, as_json: bool) -> None:
    """Export a whole collection: faces, people with their names, corrections and history.

    Faces with their embeddings are written as Parquet, everything else as JSON. Photos and job
    folders are not exported. The folder contains biometric data, and only you can read it.

    \b
    Example:
      facerec collections export staff --output staff-2026-01
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        exported = gallery.export_collection(name, output)
    if as_json:
        print_json(asdict(exported))
    else:
        console().print(f"collection {name} exported to {output}: {_counts(exported)}")
        console().print("the folder contains biometric data and names", style="dim")


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
@json_option
def import_(folder: Path, data: Path | None, as_json: bool) -> None:
    """Import a collection from a folder that `facerec collections export` wrote.

    The collection keeps its id, which must not be in use. All files are checked before
    anything is stored; faces of another model version are refused. After an interruption, run the
    command again.

    \b
    Example:
      facerec collections import staff-2026-01
    """
    with factory.open_gallery(data_folder(data, new=True)) as gallery:
        imported = gallery.import_collection(folder)
    if as_json:
        print_json(asdict(imported))
    else:
        name = imported.collection_id
        console().print(f"collection {name} imported from {folder}: {_counts(imported)}")


def _counts(transferred: TransferredCollection) -> str:
    return ", ".join(
        (
            count(transferred.faces, "face"),
            count(transferred.people, "person", "people"),
            count(transferred.corrections, "correction"),
            count(transferred.history, "change in the history", "changes in the history"),
        )
    )
