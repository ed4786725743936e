"""The rows of corrections: which faces do not show which people."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from facerec.core.history import StepKind, correction_step
from facerec.core.records import Correction
from facerec.storage.sqlite import collections, history


def add(
    connection: sqlite3.Connection, collection_id: str, corrections: Sequence[Correction]
) -> None:
    """Write corrections.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, collection_id)
    for correction in corrections:
        added = connection.execute(
            "INSERT OR IGNORE INTO correction (collection_id, face_id, person) VALUES (?, ?, ?)",
            (collection_id, correction.face_id, correction.person),
        ).rowcount
        if added:
            history.note(connection, collection_id, correction_step(StepKind.CORRECTED, correction))


def remove(
    connection: sqlite3.Connection, collection_id: str, corrections: Sequence[Correction]
) -> int:
    """Delete corrections, and return how many of them were stored."""
    removed = [
        correction
        for correction in corrections
        if connection.execute(
            "DELETE FROM correction WHERE collection_id = ? AND face_id = ? AND person = ?",
            (collection_id, correction.face_id, correction.person),
        ).rowcount
    ]
    for correction in removed:
        history.note(
            connection, collection_id, correction_step(StepKind.CORRECTION_LIFTED, correction)
        )
    return len(removed)


def of_faces(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]
) -> list[Correction]:
    """Return the corrections of faces, ordered by face, then by person."""
    rows = connection.execute(
        "SELECT face_id, person FROM correction "
        "WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?)) "
        "ORDER BY face_id, person",
        (collection_id, json.dumps(list(face_ids))),
    )
    return [Correction(*row) for row in rows]


def of_people(
    connection: sqlite3.Connection, collection_id: str, people: Sequence[str]
) -> list[Correction]:
    """Return the corrections about people, ordered by face, then by person."""
    rows = connection.execute(
        "SELECT face_id, person FROM correction INDEXED BY correction_by_person "
        "WHERE collection_id = ? AND person IN (SELECT value FROM json_each(?)) "
        "ORDER BY face_id, person",
        (collection_id, json.dumps(list(people))),
    )
    return [Correction(*row) for row in rows]


def list_after(
    connection: sqlite3.Connection, collection_id: str, after: Correction | None, limit: int
) -> list[Correction]:
    """Return corrections ordered by face, then by person, starting after ``after``."""
    start = ("", "") if after is None else (after.face_id, after.person)
    rows = connection.execute(
        "SELECT face_id, person FROM correction "
        "WHERE collection_id = ? AND (face_id, person) > (?, ?) "
        "ORDER BY face_id, person LIMIT ?",
        (collection_id, *start, limit),
    )
    return [Correction(*row) for row in rows]
