"""Names of people for photos: from their folders, their paths or a column of a manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_NAMES_BYTES
from facerec.errors import InvalidInputError
from facerec.gallery.people.enrolment_rules import name_by_folder, name_by_pattern
from facerec.jobs.manifest.entries import LineParser, ManifestEntry
from facerec.jobs.manifest.inspection import gzip_errors, inspect, is_photo, read_sample
from facerec.jobs.manifest.listing import ListingRules, list_photos
from facerec.jobs.manifest.slices import SliceReader, slice_of
from facerec.storage.objects.protocol import folder_of, scheme_of

if TYPE_CHECKING:
    from facerec.gallery.people.enrolment_rules import NameOf
    from facerec.storage.objects.protocol import ObjectStore


def name_rule(person_from: str, source: str, objects: ObjectStore) -> NameOf:
    """Return the rule that names the photos of a folder, a prefix or a manifest.

    The rule names only photos of the source: a mistyped manifest must not give new names to the
    other photos of its folder.

    Args:
        person_from: ``folder``, ``pattern:`` and a pattern, or ``column:`` and a name.
        source: The folder, the prefix, the manifest or a photo.
        objects: Contains the source.

    Raises:
        InvalidInputError: The rule is not known, its pattern is invalid, or the manifest is
            damaged, is larger than ``MAX_NAMES_BYTES``, has no such column or gives a photo two
            names.
        ObjectNotFoundError: The manifest or photo does not exist.
    """
    column = column_of(person_from)
    if column is not None:
        return _names_by_column(source, column, objects).get
    _, _, pattern = person_from.partition(":")
    folder = _folder(source)
    photos = None if folder is not None else _photos_of_file(_address(source), objects)
    root = folder or folder_of(_address(source))
    name_of = name_by_pattern(root, pattern) if pattern else name_by_folder(root)
    if photos is None:
        return name_of
    return lambda photo: name_of(photo) if photo in photos else None


def require_photos(source: str, objects: ObjectStore) -> None:
    """Check that a source contains photos if it is a folder or a prefix.

    A folder is also empty if its disk is not mounted.

    Raises:
        InvalidInputError: The folder or prefix contains no photos.
    """
    folder = _folder(source)
    if folder is not None:
        listed = list_photos(objects, folder, None, ListingRules())
        if not any(photo.requested for photo in listed):
            raise InvalidInputError(
                f"{source} contains no photos",
                "name the folder or prefix that was indexed; for a folder, check that its disk is "
                "mounted",
            )


def column_of(person_from: str) -> str | None:
    """Return the column that names people, in lower case; None for the other rules.

    Raises:
        InvalidInputError: The rule is not known, or its pattern is invalid.
    """
    kind, _, detail = person_from.partition(":")
    if kind == "column" and detail:
        return detail.strip().lower()
    if person_from == "folder":
        return None
    if kind == "pattern" and detail:
        # Raises the error of a pattern that is not valid.
        name_by_pattern("", detail)
        return None
    raise InvalidInputError(
        f"unknown rule for the names of people: {person_from!r}",
        "use folder, column:NAME or pattern:PATTERN",
    )


def _folder(source: str) -> str | None:
    """Return the address of a folder or prefix with its final ``/``; None for other sources."""
    if scheme_of(source) != "file":
        return source if source.endswith("/") else None
    path = _address(source)
    return f"{path.rstrip('/')}/" if Path(path).is_dir() else None


def _address(source: str) -> str:
    # Path.resolve would follow links, and lose the path under which photos were indexed.
    return os.path.abspath(source) if scheme_of(source) == "file" else source  # noqa: PTH100


def _photos_of_file(uri: str, objects: ObjectStore) -> frozenset[str]:
    """Return the addresses of all photos in a manifest; for a photo, its own address.

    Raises:
        InvalidInputError: The file cannot be read as a manifest.
        ObjectNotFoundError: The manifest or the photo does not exist.
    """
    info, sample = read_sample(objects, uri)
    if is_photo(uri, sample):
        return frozenset((uri,))
    source = inspect(info, sample).source
    parser = LineParser(source.format, source.columns, folder_of(uri), local=True)
    lines = SliceReader(objects, source, slice_of(source, 1, 1, 0))
    entries = (parser.parse(line.content) for line in lines)
    return frozenset(entry.uri for entry in entries if isinstance(entry, ManifestEntry))


def _names_by_column(manifest: str, column: str, objects: ObjectStore) -> dict[str, str]:
    """Return the names of a manifest's photos, by the address of the photo.

    Raises:
        InvalidInputError: The manifest is damaged, is larger than ``MAX_NAMES_BYTES``, has no such
            column, or gives a photo two names.
        ObjectNotFoundError: The manifest does not exist.
    """
    root, names = folder_of(_address(manifest)), dict[str, str]()
    for number, row in _rows(manifest, column, objects):
        image, name = row.get("image", ""), row.get(column, "").strip()
        if not image:
            continue
        uri = image if scheme_of(image) != "file" or image.startswith("/") else root + image
        known = names.get(uri, "")
        names[uri] = known or name
        if known and name and known != name:
            # executions keep this message, and addresses of photos often contain names of people
            raise InvalidInputError(
                f"{manifest} gives a photo two names: see line {number}",
                "remove one of the two lines",
            )
    return names


def _rows(
    manifest: str, column: str, objects: ObjectStore
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows of a manifest with the numbers of their lines.

    Raises:
        InvalidInputError: The manifest is damaged, is larger than ``MAX_NAMES_BYTES``, or has no
            such column.
        ObjectNotFoundError: The manifest does not exist.
    """
    import csv

    content = objects.read(manifest, end=MAX_NAMES_BYTES + 1)
    if manifest.lower().endswith(".gz"):
        import gzip

        with gzip_errors(manifest), gzip.open(BytesIO(content)) as text:
            content = text.read(MAX_NAMES_BYTES + 1)
    if len(content) > MAX_NAMES_BYTES:
        raise InvalidInputError(
            f"{manifest} has more than {MAX_NAMES_BYTES >> 30} GiB of text, too many for names",
            "divide the manifest",
        )
    # Unlike ``splitlines``, this divides the text where jobs do.
    lines = content.decode("utf-8-sig", "backslashreplace").split("\n")
    if next((line for line in lines if line.strip()), "").lstrip().startswith("{"):
        yield from _documents(lines)
        return
    reader = csv.reader(StringIO("\n".join(lines)))
    try:
        # Jobs skip blank lines before the header too.
        first = next((fields for fields in reader if any(map(str.strip, fields))), [])
        header = [name.strip().lower() for name in first]
        if column not in header:
            raise InvalidInputError(
                f"{manifest} has no column {column!r}",
                "check the name of the column in its header",
            )
        for fields in reader:
            row = {name: field.strip() for name, field in zip(header, fields, strict=False)}
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInputError(
            f"line {reader.line_num} of {manifest} is not valid CSV: {error}", "correct the line"
        ) from error


def _documents(lines: list[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(lines, 1):
        try:
            document = json.loads(line)
        except ValueError:
            # the job reports malformed lines
            continue
        if isinstance(document, dict):
            texts = {
                name.lower(): value for name, value in document.items() if isinstance(value, str)
            }
            yield number, texts
