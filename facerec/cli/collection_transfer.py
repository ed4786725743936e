"""`facerec collections export` and `facerec collections import`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.deferred import factory
from facerec.cli.local_path import LocalPath
from facerec.cli.options import data_option, json_option, stack_option
from facerec.cli.output import console, print_json
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.transfer.exported_collection import TransferredCollection
else:
    services = DeferredModule("facerec.cli.services")


@click.command()
@click.argument("name")
@data_option
@stack_option
@click.option(
    "--output",
    required=True,
    type=LocalPath(file_okay=False),
    metavar="FOLDER",
    help="Folder to create; one that exists must be empty.",
)
@json_option
def export(name: str, data: Path | None, stack: str | None, output: Path, as_json: bool) -> None:
    """Export a whole collection: faces, people with their names, corrections and history.

    Faces with their embeddings are written as Parquet, everything else as JSON. Photos, thumbnails,
    events of matches and job folders are not exported. The folder contains biometric data, and only
    you can read it. With --stack, the table and the vectors are read with your credentials.

    \b
    Examples:
      facerec collections export staff --output staff-2026-01
      facerec collections export staff --output staff-2026-01 --stack facerec
    """
    with services.open_gallery(stack, data) as gallery:
        exported = gallery.export_collection(name, output)
    if as_json:
        document = asdict(exported)
        del document["already_imported"]
        print_json(document)
    else:
        console().print(f"collection {name} exported to {output}: {_counts(exported)}")
        console().print("the folder contains biometric data and names", style="dim")


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
@stack_option
@json_option
def import_(folder: Path, data: Path | None, stack: str | None, as_json: bool) -> None:
    """Import a collection from a folder that `facerec collections export` wrote.

    The collection keeps its id, which must not be in use. All files are checked before
    anything is stored; faces of another model version are refused. After an interruption, run the
    command again. Importing the same folder again changes nothing.

    \b
    Examples:
      facerec collections import staff-2026-01
      facerec collections import staff-2026-01 --stack facerec
    """
    with _gallery_for_import(stack, data) as gallery:
        imported = gallery.import_collection(folder)
    if as_json:
        print_json(asdict(imported))
    else:
        name = imported.collection_id
        done = "was already imported" if imported.already_imported else "imported"
        console().print(f"collection {name} {done} from {folder}: {_counts(imported)}")


def _gallery_for_import(stack: str | None, data: Path | None) -> Gallery:
    """Open the gallery of a stack or of this machine, whose data folder may be new.

    Raises:
        InvalidInputError: The collection would be imported into Pinecone.
        FacerecError: See ``find_stack``, ``open_stack_gallery`` and ``open_gallery``.
    """
    if stack is None:
        return services.open_gallery(None, data, new=True)
    from facerec.jobs.aws.stack import find_stack

    found = find_stack(stack)
    if not found.uses_s3_vectors:
        raise InvalidInputError(
            f"collections cannot be imported into the stack {stack!r}: it uses Pinecone",
            "index the photos with a job of the stack instead",
        )
    return factory.open_stack_gallery(found)


def _counts(transferred: TransferredCollection) -> str:
    return ", ".join(
        (
            count(transferred.faces, "face"),
            count(transferred.people, "person", "people"),
            count(transferred.corrections, "correction"),
            count(transferred.history, "change in the history", "changes in the history"),
        )
    )
