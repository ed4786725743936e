"""`facerec export`: everything that is held about somebody."""

from __future__ import annotations

import json
from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.erase import read_subject, subject_options
from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import collection_option, data_option
from facerec.cli.output import console, count


@click.command()
@collection_option
@subject_options
@data_option
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder to create: `export.json`, and thumbnails of the faces.",
)
def export(
    collection: str,
    face: str | None,
    photo: str | None,
    external_id: str | None,
    person: str | None,
    data: Path | None,
    output: Path,
) -> None:
    """Export everything that is held about somebody.

    Somebody is named by a face, a photo, an external image id or the id of a person. What is
    exported: faces with their embeddings, people, corrections, rows and embeddings in the folders
    of jobs, and a thumbnail of each face whose photo can still be read. The folder contains
    biometric data: only you can read it. The exit code is 3 if nothing is held.

    \b
    Example:
      facerec export --collection staff --external-id ann-lee --output ann-lee
    """
    from facerec.errors import InvalidInputError
    from facerec.factory import open_gallery

    subject, name = read_subject(face, photo, external_id, person)
    if output.exists():
        raise InvalidInputError(f"{output} exists already", "name a folder that does not exist")
    with open_gallery(data_folder(data)) as gallery:
        exported = gallery.export(collection, subject, name)
    if exported.is_empty:
        console().print("nothing is held")
        raise SystemExit(ExitCode.NOT_FOUND)
    output.mkdir(mode=0o700, parents=True)
    (output / "export.json").write_text(json.dumps(exported.to_json(), indent=1))
    for face_id, content in exported.thumbnails.items():
        (output / f"{face_id}.jpg").write_bytes(content)
    faces, jobs = count(len(exported.faces), "face"), count(len(exported.jobs), "job")
    thumbnails = count(len(exported.thumbnails), "thumbnail")
    console().print(f"{faces}, {thumbnails} and what {jobs} keep exported to {output}")
