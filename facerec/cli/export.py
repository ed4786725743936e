"""`facerec export`: export all data about somebody."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.erase import subject_options
from facerec.cli.exit_codes import ExitCode
from facerec.cli.local_path import LocalPath
from facerec.cli.options import collection_option, data_option, stack_option
from facerec.cli.output import console
from facerec.cli.receipts import print_restored
from facerec.core.batches import batches
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.core.erasures import SubjectKind

THUMBNAILS_AT_ONCE = 100
"""Maximum number of thumbnails in an answer of the function: each has a few kB."""


@click.command()
@collection_option
@subject_options
@data_option
@stack_option
@click.option(
    "--output",
    required=True,
    type=LocalPath(file_okay=False),
    metavar="FOLDER",
    help="Folder to create, with `export.json` and thumbnails of the faces; one that exists must "
    "be empty.",
)
def export(
    collection: str,
    subject: SubjectKind,
    name: str,
    data: Path | None,
    stack: str | None,
    output: Path,
) -> None:
    """Export all data about somebody.

    Name exactly one of --face, --photo, --external-id and --person. The export contains faces with
    their embeddings, people, corrections, clusters, events, the history, answers kept for
    idempotency tokens, rows and embeddings in the folders of jobs, and a thumbnail of each
    face that has one or whose photo can still be read. The folder contains biometric data, and only
    you can read it. The exit code is 3 if there is no data, and 1 if a job folder, a file in it or
    a photo cannot be read: these are named, and everything else is exported.

    \b
    Example:
      facerec export --collection staff --external-id ann-lee --output ann-lee
    """
    from facerec.gallery.transfer.new_folders import new_folder

    with new_folder(output) as part:
        if stack is None:
            document, thumbnails = _export_here(data_folder(data), collection, subject, name)
        else:
            document, thumbnails = _export_of_stack(stack, collection, subject, name)
        (part / "export.json").write_text(json.dumps(document, indent=1))
        for face_id, content in thumbnails.items():
            (part / f"{face_id}.jpg").write_bytes(content)
    faces, jobs = count(len(document["faces"]), "face"), count(len(document["jobs"]), "job")
    cut = count(len(thumbnails), "thumbnail")
    console().print(f"{faces}, {cut} and the data of {jobs} exported to {output}")
    unreadable = document.get("unreadable", ())
    if unreadable:
        for each in unreadable:
            console(stderr=True).print(f"not exported: {each}")
        console(stderr=True).print(
            "repair or remove what cannot be read, then export again into another folder"
        )
        raise SystemExit(ExitCode.ERROR)


Exported = tuple[dict[str, Any], dict[str, bytes]]
"""The document of an export, and thumbnails by face id."""


def _export_here(folder: Path, collection: str, subject: SubjectKind, name: str) -> Exported:
    from facerec.factory import open_gallery
    from facerec.gallery.subjects import subject_name

    with open_gallery(folder) as gallery:
        print_restored(collection, gallery.restore_if_lost(collection))
        name = subject_name(gallery, collection, subject, name)
        exported = gallery.export(collection, subject, name)
    return exported.to_json(), exported.thumbnails


def _export_of_stack(stack: str, collection: str, subject: SubjectKind, name: str) -> Exported:
    from facerec.cli.services import erasure_function

    function = erasure_function(stack)
    event = {"collection_id": collection, "subject": str(subject), "name": name, "export": True}
    document = function.call_for_packed(event)
    faces = {each["face"]["face_id"]: each for each in document["faces"]}
    thumbnails: dict[str, bytes] = {}
    names = list(faces)
    for wanted in batches(names, THUMBNAILS_AT_ONCE):
        answer = function.call({"collection_id": collection, "thumbnails": wanted})
        for face_id, content in answer["thumbnails"].items():
            thumbnails[face_id] = b64decode(content)
            faces[face_id]["thumbnail"] = f"{face_id}.jpg"
    return document, thumbnails
