"""The files of an exported collection: their names, and the check that they are complete.

``collection.json`` (``schemas/collection-export.json``) describes the collection and has the digest
of each other file; it is written last. ``faces.parquet`` has the faces (``storage.face_table``).
The other files have a JSON document in each line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facerec.core.input_files import open_input, read_input
from facerec.core.limits import MAX_EXPORT_BYTES, MAX_EXPORT_LINE_BYTES
from facerec.core.schemas import check, violation
from facerec.errors import EXPORT_AGAIN, InputFileError, InvalidInputError

FORMAT = 1
"""Version of the format."""

DESCRIPTION = "collection.json"
FACES = "faces.parquet"

LINES = ("people", "corrections", "clusters", "not-faces", "history", "tombstones")
"""Names of the files of JSON lines, without ``.jsonl``.

Each has a schema, such as ``schemas/collection-export-people.json``."""

FILES = (FACES, *(f"{name}.jsonl" for name in LINES))


@dataclass(frozen=True, slots=True)
class TransferredCollection:
    """Counts of the contents of a collection that was exported or imported.

    Attributes:
        collection_id: Id of the collection.
        faces: Number of its faces.
        people: Number of its people.
        corrections: Number of statements that a face does not show a person.
        history: Number of entries of the history of people.
        already_imported: Whether an earlier import of the same export was complete, so that nothing
            was imported now. False for an export.
    """

    collection_id: str
    faces: int
    people: int
    corrections: int
    history: int
    already_imported: bool = False


def write_lines(path: Path, documents: Iterable[dict[str, Any]]) -> int:
    """Write a JSON document into each line of a new file; return the number of lines."""
    lines = 0
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n")
            lines += 1
    return lines


def read_lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the documents of a file of JSON lines, each checked against its schema.

    Raises:
        InvalidInputError: The file cannot be read, or a line is not such a document.
        ReadTimedOutError: The file system does not answer.
    """
    schema = f"collection-export-{name}"
    with open_input(folder / f"{name}.jsonl", MAX_EXPORT_BYTES) as file:
        lines = iter(lambda: file.readline(MAX_EXPORT_LINE_BYTES + 1), b"")
        for number, line in enumerate(lines, 1):
            where = f"line {number} of {name}.jsonl"
            if len(line) > MAX_EXPORT_LINE_BYTES:
                raise InvalidInputError(
                    f"{where} has more than {MAX_EXPORT_LINE_BYTES:,} bytes", EXPORT_AGAIN
                )
            try:
                document = json.loads(line, parse_constant=_refuse)
            except ValueError:
                raise InvalidInputError(f"{where} is not JSON", EXPORT_AGAIN) from None
            wrong = violation(schema, document)
            if wrong:
                raise InvalidInputError(f"{where} is not valid: {wrong}", EXPORT_AGAIN)
            yield document


def describe_files(folder: Path, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the description of the other files for ``collection.json``.

    Args:
        folder: The folder.
        counts: Numbers of entries by the name of the file.
    """
    return [
        {"name": name, "entries": counts[name], "sha256": _digest(folder / name)} for name in FILES
    ]


def read_description(folder: Path) -> dict[str, Any]:
    """Return ``collection.json`` of an export whose files are all there and unchanged.

    Raises:
        InvalidInputError: The folder is not a complete, unchanged export, or is one of a later
            release.
        ReadTimedOutError: The file system does not answer.
    """
    path = folder / DESCRIPTION
    try:
        document: dict[str, Any] = json.loads(
            read_input(path, MAX_EXPORT_LINE_BYTES), parse_constant=_refuse
        )
    except (InputFileError, ValueError):
        raise InvalidInputError(
            f"{folder} is not an exported collection: it has no readable {DESCRIPTION}",
            "name the folder of an export",
        ) from None
    known = document.get("format") if isinstance(document, dict) else None
    if isinstance(known, int) and known > FORMAT:
        raise InvalidInputError(
            f"{folder} was exported by a later release of facerec (format {known}, not {FORMAT})",
            "update facerec",
        )
    check("collection-export", document, str(path))
    if sorted(each["name"] for each in document["files"]) != sorted(FILES):
        raise InvalidInputError(f"{path} does not list all files of an export", EXPORT_AGAIN)
    for each in document["files"]:
        try:
            digest = _digest(folder / each["name"])
        except InputFileError:
            raise InvalidInputError(
                f"{folder} has no readable {each['name']}", EXPORT_AGAIN
            ) from None
        if digest != each["sha256"]:
            raise InvalidInputError(
                f"{folder / each['name']} has been changed or damaged since the export",
                EXPORT_AGAIN,
            )
    return document


def _refuse(constant: str) -> None:
    """Refuse NaN and infinities, which Python reads although JSON has no such numbers."""
    raise ValueError(constant)


def digest_of(folder: Path) -> str:
    """Return the digest that identifies an export: that of ``collection.json``."""
    return _digest(folder / DESCRIPTION)


def _digest(path: Path) -> str:
    with open_input(path, MAX_EXPORT_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
