"""`facerec import`: import a collection from another service."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.import_reports import reported
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.local_path import LocalPath
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, print_json
from facerec.core.aws_region import aws_region
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.input_files import open_input
from facerec.core.limits import MAX_PHOTO_LIST_BYTES
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.imports import report as import_report
    from facerec.imports.examples import ExampleSource
    from facerec.imports.importing import FindPhotos
else:
    import_report = DeferredModule("facerec.imports.report")

report_option = click.option(
    "--report",
    type=LocalPath(dir_okay=False),
    metavar="OUT.json",
    help="Save the report, with every face that was not imported, even if the import ends early.",
)
restore_option = click.option(
    "--restore-deleted",
    is_flag=True,
    help="Store faces that were deleted on purpose, or erased, here, too.",
)

SHOW_EVERY = 100
"""Number of photos between two lines of progress."""


@click.group("import", cls=SummaryGroup)
def import_() -> None:
    """Import a collection from another service."""


@import_.command()
@collection_option
@click.option(
    "--from-collection",
    metavar="NAME",
    help="Collection in Rekognition (default: the same name as --collection).",
)
@click.option(
    "--photo-template",
    "template",
    metavar="TEMPLATE",
    help="Address of the photo of a face, with {external_image_id}, {image_id} or {face_id} in it.",
)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help='JSON lines such as {"external_image_id": "ann", "photo": "s3://bucket/ann.jpg"}.',
)
@click.option("--endpoint-url", metavar="URL", help="Address of Rekognition (default: AWS).")
@report_option
@restore_option
@data_option
@json_option
def rekognition(
    collection: str,
    from_collection: str | None,
    template: str | None,
    manifest: Path | None,
    endpoint_url: str | None,
    report: Path | None,
    restore_deleted: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Import a collection from Amazon Rekognition.

    Embeddings cannot be exported from Rekognition, so each face is found again in its original
    photo by its bounding box. Faces keep their ids, external image ids and people, so ids that
    programs have stored stay valid. To resume an interrupted import, run the command again. Faces
    that were deleted here stay deleted. The credentials need rekognition:ListFaces and
    rekognition:ListUsers.

    \b
    Examples:
      facerec import rekognition --collection staff --photo-template 's3://hr/{external_image_id}.jpg'
      facerec import rekognition --collection staff --manifest photos.jsonl --report report.json
    """
    from facerec.imports.importing import import_collection
    from facerec.imports.rekognition import read_collection

    find_photos = _rule(template, manifest)
    result = import_report.ImportReport(collection)
    out = console(stderr=True)
    with (
        reported(result, report, as_json=as_json) as file,
        factory.open_gallery(data_folder(data, new=True)) as gallery,
    ):
        source = read_collection(_client(endpoint_url), from_collection or collection)
        shown = -1

        def show(done: int) -> None:
            nonlocal shown
            file.save_sometimes()
            percent = 100 * done // max(1, len(source.faces))
            if percent // 10 > shown // 10:
                shown = percent
                out.print(f"{done:,} of {count(len(source.faces), 'face')}")

        import_collection(
            source,
            collection,
            find_photos,
            gallery=gallery,
            report=result,
            restore_deleted=restore_deleted,
            on_progress=show,
        )


@import_.command("face-recognition")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@collection_option
@restore_option
@data_option
@json_option
def face_recognition(
    file: Path, collection: str, restore_deleted: bool, data: Path | None, as_json: bool
) -> None:
    """Import a pickle of encodings and names made with the package face_recognition.

    The package uses the same network as facerec, so no photos are needed. Each name becomes a
    person. No code in the file is run: a pickle that contains anything but arrays, lists, dicts,
    text and numbers is refused. Running the import again changes nothing.

    \b
    Example:
      facerec import face-recognition encodings.pickle --collection staff
    """
    from facerec.imports.encodings import import_encodings
    from facerec.imports.pickles import read_face_recognition

    named = read_face_recognition(file)
    with factory.open_gallery(data_folder(data, new=True)) as gallery:
        result = import_encodings(
            named, collection, gallery=gallery, restore_deleted=restore_deleted
        )
    ids = [face_id for face_id in result.face_ids if face_id not in result.deleted]
    pairs = zip(named, result.face_ids, strict=True)
    people = len({face.name for face, face_id in pairs if face_id not in result.deleted})
    if as_json:
        answer = {"collection_id": collection, "face_ids": ids, "people": people}
        print_json({**answer, "deleted": sorted(result.deleted)})
        return
    faces = count(len(set(ids)), "face")
    console().print(f"{collection} holds {faces} of {count(people, 'person', 'people')}")
    if result.deleted:
        deleted = count(len(result.deleted), "face")
        console().print(f"{deleted} not imported: deleted here; --restore-deleted imports them")


@import_.command()
@click.argument("source", metavar="URL|DUMP")
@collection_option
@click.option(
    "--api-key",
    envvar="COMPREFACE_API_KEY",
    metavar="KEY",
    help="Key of the face recognition service (default: the environment variable "
    "COMPREFACE_API_KEY, which lists of processes do not show). A dump needs it only if several "
    "services have people.",
)
@report_option
@restore_option
@data_option
@json_option
def compreface(
    source: str,
    collection: str,
    api_key: str | None,
    report: Path | None,
    restore_deleted: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Import people and their photos from a CompreFace server at URL, or from a dump of it.

    CompreFace uses other networks, so its saved photos are read and indexed, and their faces are
    associated with people of the same names. DUMP is a plain dump of its database, as `pg_dump`
    writes it. To resume an interrupted import, run the command again.

    \b
    Examples:
      facerec import compreface http://localhost:8000 --collection staff
      facerec import compreface frs.sql --collection staff --report report.json
    """
    from facerec.imports.examples import import_examples

    examples = _compreface(source, api_key)
    result = import_report.ImportReport(collection)
    out = console(stderr=True)

    def show(done: int) -> None:
        file.save_sometimes()
        if done and done % SHOW_EVERY == 0:
            out.print(f"{count(done, 'photo')} done")

    with (
        reported(result, report, as_json=as_json) as file,
        factory.open_gallery(data_folder(data, new=True)) as gallery,
    ):
        import_examples(
            examples,
            collection,
            gallery=gallery,
            report=result,
            restore_deleted=restore_deleted,
            on_progress=show,
        )


def _compreface(source: str, api_key: str | None) -> ExampleSource:
    from facerec.imports.compreface import ComprefaceServer
    from facerec.imports.compreface_dump import read_dump

    if "://" not in source and Path(source).exists():
        return read_dump(Path(source), api_key or None)
    server = ComprefaceServer(source, api_key or "")
    if not api_key:
        raise click.UsageError("specify --api-key, or COMPREFACE_API_KEY in the environment")
    return server


def _rule(template: str | None, manifest: Path | None) -> FindPhotos:
    from facerec.imports.photo_rules import photos_by_manifest, photos_by_template

    if (template is None) == (manifest is None):
        raise click.UsageError("specify either --photo-template or --manifest")
    if template is not None:
        return photos_by_template(template)
    assert manifest is not None  # noqa: S101 - checked above
    with open_input(manifest, MAX_PHOTO_LIST_BYTES) as file:
        try:
            return photos_by_manifest(io.TextIOWrapper(file, encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{manifest} is not UTF-8 text", "save it as UTF-8") from error


def _client(endpoint_url: str | None) -> object:
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.client("rekognition", region_name=aws_region(), endpoint_url=endpoint_url)
    except (BotoCoreError, ValueError) as error:
        raise InvalidInputError(
            f"cannot create a Rekognition client: {error}",
            "check AWS_REGION, AWS_PROFILE and --endpoint-url",
        ) from error
