"""The rows of the history of people: one for each step, and one for each subject of a step."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from facerec.core.erased_history import without_names
from facerec.core.history import Cause, Entry, Step, decode_steps, encode_step
from facerec.core.recording import current_cause
from facerec.storage.sqlite import collections


def note(connection: sqlite3.Connection, collection_id: str, step: Step) -> None:
    """Write a step of the current entry, if there is one."""
    cause = current_cause()
    if cause is not None:
        _insert(connection, collection_id, cause, step)


def list_before(
    connection: sqlite3.Connection,
    collection_id: str,
    subject: str | None,
    before: str | None,
    limit: int,
) -> list[Entry]:
    """Return entries, newest first; see ``HistoryRecords.list_history``."""
    if subject is None:
        rows = connection.execute(
            "SELECT DISTINCT entry_id FROM history "
            "WHERE collection_id = ? AND (?2 IS NULL OR entry_id < ?2) "
            "ORDER BY entry_id DESC LIMIT ?3",
            (collection_id, before, limit),
        )
    else:
        rows = connection.execute(
            "SELECT DISTINCT entry_id FROM history_subject "
            "WHERE collection_id = ? AND subject = ?4 AND (?2 IS NULL OR entry_id < ?2) "
            "ORDER BY entry_id DESC LIMIT ?3",
            (collection_id, before, limit, subject),
        )
    found = {
        entry.cause.entry_id: entry
        for entry in _entries(connection, collection_id, [entry_id for (entry_id,) in rows])
    }
    return [found[entry_id] for entry_id in sorted(found, reverse=True)]


def get(connection: sqlite3.Connection, collection_id: str, entry_id: str) -> Entry | None:
    """Return an entry; None if it does not exist."""
    found = _entries(connection, collection_id, [entry_id])
    return found[0] if found else None


def get_subjects(
    connection: sqlite3.Connection, collection_id: str, subjects: Collection[str]
) -> frozenset[str]:
    """Return the subjects, among those given, that occur in entries."""
    rows = connection.execute(
        "SELECT DISTINCT subject FROM history_subject "
        "WHERE collection_id = ? AND subject IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(subjects))),
    )
    return frozenset(subject for (subject,) in rows)


def put(connection: sqlite3.Connection, collection_id: str, entries: Sequence[Entry]) -> None:
    """Write entries of another store, except those that this store has.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, collection_id)
    for entry in entries:
        if get(connection, collection_id, entry.cause.entry_id) is None:
            for step in entry.steps:
                _insert(connection, collection_id, entry.cause, step)


def erase(
    connection: sqlite3.Connection,
    collection_id: str,
    people: Collection[str],
    face_ids: Collection[str],
) -> tuple[int, frozenset[str]]:
    """Remove people and faces from entries; see ``HistoryRecords.erase_history``."""
    if people:
        rows = connection.execute(
            "SELECT DISTINCT entry_id FROM history WHERE collection_id = ?", (collection_id,)
        )
    else:
        rows = connection.execute(
            "SELECT DISTINCT entry_id FROM history_subject "
            "WHERE collection_id = ? AND subject IN (SELECT value FROM json_each(?))",
            (collection_id, json.dumps(list(face_ids))),
        )
    entries = _entries(connection, collection_id, [entry_id for (entry_id,) in rows])
    changed, names = without_names(entries, people=people, face_ids=face_ids)
    if names and not people:
        # the last face of a deleted person, whose other entries have no faces
        return erase(connection, collection_id, names, face_ids)
    for entry in changed:
        _delete(connection, collection_id, [entry.cause.entry_id])
        for step in entry.steps:
            _insert(connection, collection_id, entry.cause, step)
    return len(changed), names


def expire(connection: sqlite3.Connection, collection_id: str, before: float) -> int:
    """Delete entries of changes before a time in seconds since 1970; return their number."""
    limit = f"{datetime.fromtimestamp(before, UTC):%Y%m%dT%H%M%S%fZ}"
    rows = connection.execute(
        "SELECT DISTINCT entry_id FROM history WHERE collection_id = ? AND entry_id < ?",
        (collection_id, limit),
    )
    expired = [entry_id for (entry_id,) in rows]
    _delete(connection, collection_id, expired)
    return len(expired)


def _entries(
    connection: sqlite3.Connection, collection_id: str, entry_ids: Sequence[str]
) -> list[Entry]:
    rows = connection.execute(
        "SELECT document FROM history WHERE collection_id = ? "
        "AND entry_id IN (SELECT value FROM json_each(?)) ORDER BY entry_id, step",
        (collection_id, json.dumps(list(entry_ids))),
    )
    return decode_steps(document for (document,) in rows)


def _insert(connection: sqlite3.Connection, collection_id: str, cause: Cause, step: Step) -> None:
    connection.execute(
        "INSERT INTO history (collection_id, entry_id, step, document) VALUES (?1, ?2, "
        "(SELECT coalesce(max(step), 0) + 1 FROM history "
        "WHERE collection_id = ?1 AND entry_id = ?2), ?3)",
        (collection_id, cause.entry_id, encode_step(cause, step)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO history_subject (collection_id, subject, entry_id) VALUES (?, ?, ?)",
        (
            (collection_id, subject, cause.entry_id)
            for subject in sorted(Entry(cause, (step,)).subjects)
        ),
    )


def _delete(connection: sqlite3.Connection, collection_id: str, entry_ids: Sequence[str]) -> None:
    for entry_id in entry_ids:
        entry = get(connection, collection_id, entry_id)
        connection.executemany(
            "DELETE FROM history_subject WHERE collection_id = ? AND subject = ? AND entry_id = ?",
            (
                (collection_id, subject, entry_id)
                for subject in (entry.subjects if entry is not None else ())
            ),
        )
        connection.execute(
            "DELETE FROM history WHERE collection_id = ? AND entry_id = ?",
            (collection_id, entry_id),
        )
