"""Checks that the files of an exported collection fit together, before anything is imported."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.core.counts import count
from facerec.core.history import cause_from_json, step_from_json
from facerec.core.names import checked_user_id, checked_user_name
from facerec.core.registrations import check_registration_text
from facerec.core.times import is_time
from facerec.errors import EXPORT_AGAIN, InvalidInputError
from facerec.gallery.people.associations import MAX_FACES_OF_USER
from facerec.gallery.transfer.exported_collection import DESCRIPTION, FACES, LINES, read_lines
from facerec.storage.face_table import read_faces

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CLUSTER_NUMBER = 10_000_000
"""Maximum number of an imported cluster, since an import iterates over all lower numbers."""


def check_contents(folder: Path, document: dict[str, Any]) -> None:
    """Check the contents of an export's files, and that they fit together; digests are not checked.

    A face that a person, a cluster or a correction names may be missing, and a registration may
    have expired. So collections that have lost faces or keep such registrations can be exported
    too.

    Args:
        folder: The folder.
        document: Its ``collection.json``.

    Raises:
        InvalidInputError: A file is not valid, or contradicts itself or ``collection.json``.
        ReadTimedOutError: The file system does not answer.
        ConfigurationError: pyarrow is not installed.
    """
    for name in ("created_at", "exported_at"):
        _check_date(name, document[name])
    numbers = {each["name"]: each["entries"] for each in document["files"]}
    _check_faces(folder, numbers[FACES])
    checks = {"people": _check_people, "clusters": _check_clusters, "history": _check_history}
    for name in LINES:
        lines = _lines(folder, name, numbers[f"{name}.jsonl"])
        if name in checks:
            checks[name](lines)
        for _ in lines:
            pass
    if document["tombstone_key"] is not None:
        _check_key(document["tombstone_key"])


def _lines(folder: Path, name: str, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's name for messages and its document; then check the number of lines.

    Raises:
        InvalidInputError: A line is not valid, or the number of lines is not the stated one.
    """
    found = 0
    for document in read_lines(folder, name):
        found += 1
        yield f"line {found} of {name}.jsonl", document
    _check_number(f"{name}.jsonl", found, number)


def _check_faces(folder: Path, number: int) -> None:
    known: set[str] = set()
    for batch in read_faces(folder / FACES):
        for face in batch:
            _add(face.record.face_id, known, f"{FACES} has the face")
    _check_number(FACES, len(known), number)


def _check_people(lines: Iterator[tuple[str, dict[str, Any]]]) -> None:
    ids, names, faces = set[str](), set[str](), set[str]()
    for where, person in lines:
        _add(checked_user_id(person["user_id"]), ids, f"{where} has the person")
        _check_times(where, person)
        _check_registrations(where, person)
        if person["name"] is not None:
            _check_name(where, person["name"])
            _add(person["name"], names, f"{where} has the name")
        for face_id in person["face_ids"]:
            _add(face_id, faces, f"{where} has the face")
        if len(person["face_ids"]) > MAX_FACES_OF_USER:
            raise InvalidInputError(
                f"{where} has a person with over {MAX_FACES_OF_USER} faces", EXPORT_AGAIN
            )


def _check_name(where: str, name: str) -> None:
    try:
        is_valid = checked_user_name(name) == name
    except InvalidInputError as error:
        raise InvalidInputError(f"{where} has an {error.message}", error.hint) from None
    if not is_valid:
        raise InvalidInputError(
            f"{where} has the name {name!r}, which is not in its stored form",
            "write it in Unicode's form NFC, without spaces at its ends",
        )


def _check_clusters(lines: Iterator[tuple[str, dict[str, Any]]]) -> None:
    numbers, faces = set[str](), set[str]()
    for where, cluster in lines:
        if cluster["number"] > MAX_CLUSTER_NUMBER:
            raise InvalidInputError(
                f"{where} has a cluster with a number over {MAX_CLUSTER_NUMBER:,}", EXPORT_AGAIN
            )
        _add(f"c{cluster['number']}", numbers, f"{where} has the cluster")
        for face_id in cluster["face_ids"]:
            _add(face_id, faces, f"{where} has the face")


def _check_history(lines: Iterator[tuple[str, dict[str, Any]]]) -> None:
    entries: set[str] = set()
    for where, entry in lines:
        _add(cause_from_json(entry["cause"]).entry_id, entries, f"{where} has the entry")
        _check_times(where, entry["cause"])
        for step in entry["steps"]:
            step_from_json(step)
            _check_times(where, step)
            _check_registrations(where, step)


def _check_times(where: str, document: dict[str, Any]) -> None:
    for name in ("at", "created_at"):
        if name in document and not is_time(document[name]):
            raise InvalidInputError(
                f"{where} has an invalid {name}: {document[name]!r:.20}",
                "write seconds since 1970, before the year 10000",
            )


def _check_date(name: str, text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{name} of {DESCRIPTION} is not a time of ISO 8601", EXPORT_AGAIN
        ) from None


def _check_registrations(where: str, document: dict[str, Any]) -> None:
    for name in ("registration", "earlier_registration"):
        text = document.get(name)
        if text is not None:
            try:
                check_registration_text(text)
            except InvalidInputError as error:
                message = f"{where} has an invalid {name}: {error.message}"
                raise InvalidInputError(message, error.hint) from None


def _check_key(text: str) -> None:
    try:
        b64decode(text, validate=True)
    except ValueError:
        raise InvalidInputError(
            f"the tombstone key of {DESCRIPTION} is not valid", EXPORT_AGAIN
        ) from None


def _add(value: str, known: set[str], has: str) -> None:
    """Add a value to a set; raise an error that starts with ``has`` if it is already there."""
    if value in known:
        raise InvalidInputError(f"{has} {value!r} a second time", EXPORT_AGAIN)
    known.add(value)


def _check_number(name: str, found: int, stated: int) -> None:
    if found != stated:
        entries = count(found, "entry", "entries")
        raise InvalidInputError(
            f"{name} has {entries}, and {DESCRIPTION} says {stated:,}", EXPORT_AGAIN
        )
