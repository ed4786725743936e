"""`facerec people enrol` and `facerec index --person-from`: people from the names of photos."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, objects
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    person_from_option,
)
from facerec.cli.output import console, count, print_json, shortened
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAGE
from facerec.errors import CollectionNotFoundError, InvalidInputError

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.people import enrolment_rules
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.gallery.people.enrolment_rules import NameOf
else:
    enrolment_rules = DeferredModule("facerec.gallery.people.enrolment_rules")

_PROBLEMS = {
    "UNLIKE": "no face resembles the other photos of",
    "OTHER_PERSON": "the face belongs to somebody else than",
    "NOT_SAME": "corrections state that it does not show",
    "TOO_MANY_FACES": "too many faces for",
    "INVALID_NAME": "the name is not valid:",
}


@click.command()
@click.argument("source")
@collection_option
@data_option
@change_options
@person_from_option
@json_option
def enrol(
    source: str, collection: str, data: Path | None, person_from: str | None, as_json: bool
) -> None:
    """Create people from the names of photos that are already indexed.

    SOURCE is the folder, the s3:// prefix or the manifest that was indexed. See `facerec index` for
    --person-from, whose default is `folder`.

    \b
    Examples:
      facerec people enrol members/ --collection club
      facerec people enrol photos.csv --collection staff --person-from column:name
    """
    name_of = name_rule(person_from or "folder", source)
    with factory.open_gallery(data_folder(data)) as gallery:
        enrolment = gallery.enrol_people(collection, name_of)
    if as_json:
        from facerec.gallery.presenting.enrolment import enrolment_json

        print_json(enrolment_json(enrolment))
    else:
        print_enrolment(enrolment)


def name_rule(person_from: str, source: str) -> NameOf:
    """Return the rule that names the photos of a folder, a prefix or a manifest.

    Raises:
        InvalidInputError: The rule is not known, or the manifest has no such column.
    """
    kind, _, detail = person_from.partition(":")
    if kind == "folder" and not detail:
        return enrolment_rules.name_by_folder(_root(source))
    if kind == "pattern" and detail:
        return enrolment_rules.name_by_pattern(_root(source), detail)
    if kind == "column" and detail:
        return _names_by_column(source, detail).get
    raise InvalidInputError(
        f"unknown value of --person-from: {person_from!r}",
        "use folder, column:NAME or pattern:PATTERN",
    )


def require_no_external_ids(gallery: Gallery, collection: str, name_of: NameOf) -> None:
    """Check that no photo was indexed before with an external image id.

    Indexing such a photo without the id would store each of its faces a second time.

    Raises:
        InvalidInputError: There is such a photo.
    """
    with suppress(CollectionNotFoundError):
        for record in _records(gallery, collection):
            if record.external_image_id and name_of(record.source) is not None:
                raise InvalidInputError(
                    f"{shortened(record.source)} was already indexed with an external image id",
                    "run `facerec people enrol` instead, which indexes nothing",
                )


def _records(gallery: Gallery, collection: str) -> Iterator[FaceRecord]:
    next_token = None
    while True:
        page = gallery.list_faces(collection, next_token=next_token, limit=MAX_PAGE)
        yield from (face.record for face in page.faces)
        if (next_token := page.next_token) is None:
            return


def print_enrolment(enrolment: Enrolment) -> None:
    """Print the number of people and faces, the corrections, and the photos without a person."""
    out = console()
    out.print(
        f"{count(enrolment.people, 'person', 'people')}, {enrolment.created:,} of them new: "
        f"{count(enrolment.associated, 'face')} added, {enrolment.unchanged:,} unchanged"
    )
    for photo in enrolment.corrected:
        out.print(f"  {shortened(photo.source)}: {photo.user_id} instead of {photo.earlier}")
    for user_id in enrolment.deleted:
        out.print(f"  person {user_id} has no photo any more, and was deleted")
    for unnamed in enrolment.unnamed:
        why = _PROBLEMS[unnamed.problem]
        out.print(f"  {shortened(unnamed.source)} got no name: {why} {unnamed.name}")


def _root(source: str) -> str:
    """Return the folder of a source with its final ``/``."""
    if objects.scheme_of(source) != "file":
        return objects.folder_of(source)
    path = os.path.abspath(source)  # noqa: PTH100 - keeps links
    return f"{path}/" if Path(path).is_dir() else objects.folder_of(path)


def _names_by_column(manifest: str, column: str) -> dict[str, str]:
    """Return the names of a manifest's photos, by the address of the photo."""
    root, names = _root(manifest), dict[str, str]()
    for row in _rows(manifest, column.strip().lower()):
        image, name = row.get("image", ""), row.get(column.strip().lower(), "")
        if not image or not name:
            continue
        uri = image if objects.scheme_of(image) != "file" or image.startswith("/") else root + image
        if names.setdefault(uri, name) != name:
            raise InvalidInputError(f"{manifest} gives {image} two names: {names[uri]} and {name}")
    return names


def _rows(manifest: str, column: str) -> Iterator[Mapping[str, str]]:
    import csv

    from facerec.storage.objects.objects import Objects

    content = Objects().read(manifest)
    if manifest.lower().endswith(".gz"):
        import gzip

        content = gzip.decompress(content)
    lines = content.decode("utf-8-sig", "replace").splitlines()
    if next((line for line in lines if line.strip()), "").lstrip().startswith("{"):
        yield from _documents(lines)
        return
    reader = csv.reader(StringIO("\n".join(lines)))
    header = [name.strip().lower() for name in next(reader, [])]
    if column not in header:
        raise InvalidInputError(f"{manifest} has no column {column!r}")
    for fields in reader:
        yield {name: field.strip() for name, field in zip(header, fields, strict=False)}


def _documents(lines: list[str]) -> Iterator[Mapping[str, str]]:
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            # the job reports malformed lines
            continue
        if isinstance(document, dict):
            yield {
                name.lower(): value.strip()
                for name, value in document.items()
                if isinstance(value, str)
            }
