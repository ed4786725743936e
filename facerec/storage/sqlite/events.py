"""The rows of events, and of their delivery."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence

from facerec.core.events import KeptEvent, MatchEvent
from facerec.core.times import day_of

_EVENT = (
    "event_id, collection_id, user_id, face_id, image_id, external_image_id, photo, similarity, "
    "matched_at"
)
_SELECTED = f"SELECT {_EVENT}, attempts, due_at, delivered_at, problem FROM event"  # noqa: S608

_FIELDS = 9
"""Number of columns of an event without its delivery."""

_CONSENTS = (
    "SELECT 1 FROM user WHERE user.collection_id = {0}.collection_id "
    "AND user.user_id = {0}.user_id AND expires > ?1"
)

_CORRECTIONS = (
    "SELECT 1 FROM correction WHERE correction.collection_id = event.collection_id "
    "AND correction.face_id = event.face_id AND person = event.user_id"
)


def put(connection: sqlite3.Connection, events: Sequence[MatchEvent], now: float) -> None:
    """Add new events of people whose consent holds; see ``RegistrationStore.put_events``."""
    for event in events:
        connection.execute(
            f"INSERT OR IGNORE INTO event ({_EVENT}, attempts, due_at) "  # noqa: S608 - own names
            "SELECT ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?10 FROM user "
            "WHERE collection_id = ?3 AND user_id = ?4 AND expires > ?1",
            (
                day_of(now),
                event.event_id,
                event.collection_id,
                event.user_id,
                event.face_id,
                event.image_id,
                event.external_image_id,
                event.photo,
                event.similarity,
                event.matched_at,
            ),
        )


def is_due(connection: sqlite3.Connection, now: float) -> bool:
    """Return whether the delivery of an event is due."""
    found = connection.execute(
        "SELECT 1 FROM event WHERE delivered_at IS NULL AND due_at <= ? LIMIT 1", (now,)
    )
    return found.fetchone() is not None


def claim(connection: sqlite3.Connection, now: float, due_at: float) -> KeptEvent | None:
    """Return the event that has been due longest; see ``RegistrationStore.claim_event``."""
    connection.execute(
        "DELETE FROM event WHERE delivered_at IS NULL "  # noqa: S608 - own names
        f"AND (NOT EXISTS ({_CONSENTS.format('event')}) OR EXISTS ({_CORRECTIONS}))",
        (day_of(now),),
    )
    rows = connection.execute(
        f"{_SELECTED} WHERE delivered_at IS NULL AND due_at <= ? "
        "ORDER BY due_at, matched_at, event_id LIMIT 1",
        (now,),
    )
    found = [_kept(row) for row in rows]
    for kept in found:
        connection.execute(
            "UPDATE event SET attempts = attempts + 1, due_at = ? WHERE event_id = ?",
            (due_at, kept.event.event_id),
        )
        return KeptEvent(kept.event, kept.attempts + 1, due_at, None, kept.problem)
    return None


def note_delivered(connection: sqlite3.Connection, event_id: str, now: float) -> None:
    """Note that an event was delivered; see ``RegistrationStore.note_delivered``."""
    connection.execute(
        "UPDATE event SET delivered_at = ?, problem = NULL WHERE event_id = ?", (now, event_id)
    )


def note_undelivered(
    connection: sqlite3.Connection, event_id: str, problem: str, due_at: float
) -> None:
    """Note why an event was not delivered; see ``RegistrationStore.note_undelivered``."""
    connection.execute(
        "UPDATE event SET problem = ?, due_at = ? WHERE event_id = ? AND delivered_at IS NULL",
        (problem, due_at, event_id),
    )


def delete_undelivered(connection: sqlite3.Connection, collection_id: str, user_id: str) -> None:
    """Delete the events of a person that were not delivered."""
    connection.execute(
        "DELETE FROM event WHERE collection_id = ? AND user_id = ? AND delivered_at IS NULL",
        (collection_id, user_id),
    )


def delete_of_faces(
    connection: sqlite3.Connection, collection_id: str, face_ids: Collection[str]
) -> None:
    """Delete the events of faces."""
    connection.execute(
        "DELETE FROM event WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(face_ids))),
    )


def retry(connection: sqlite3.Connection, collection_id: str, now: float) -> int:
    """Make ``now`` the due time of the events whose delivery failed; return their number."""
    return connection.execute(
        "UPDATE event SET due_at = ? WHERE collection_id = ? "
        "AND delivered_at IS NULL AND problem IS NOT NULL",
        (now, collection_id),
    ).rowcount


def list_before(
    connection: sqlite3.Connection,
    collection_id: str,
    undelivered: bool,
    before: tuple[float, str] | None,
    limit: int,
) -> list[KeptEvent]:
    """Return events, newest first."""
    at, event_id = (float("inf"), "") if before is None else before
    rows = connection.execute(
        f"{_SELECTED} WHERE collection_id = ? AND (matched_at, event_id) < (?, ?) "
        f"{'AND delivered_at IS NULL ' if undelivered else ''}"
        "ORDER BY matched_at DESC, event_id DESC LIMIT ?",
        (collection_id, at, event_id, limit),
    )
    return [_kept(row) for row in rows]


def about(
    connection: sqlite3.Connection,
    collection_id: str,
    user_ids: Collection[str],
    face_ids: Collection[str],
) -> list[KeptEvent]:
    """Return the events of people and of faces, oldest first."""
    rows = connection.execute(
        f"{_SELECTED} WHERE collection_id = ? AND ("  # noqa: S608 - own names
        "user_id IN (SELECT value FROM json_each(?)) OR "
        "face_id IN (SELECT value FROM json_each(?))) ORDER BY matched_at, event_id",
        (collection_id, json.dumps(list(user_ids)), json.dumps(list(face_ids))),
    )
    return [_kept(row) for row in rows]


def _kept(row: tuple[object, ...]) -> KeptEvent:
    event = MatchEvent(*row[:_FIELDS])  # type: ignore[arg-type]
    return KeptEvent(event, *row[_FIELDS:])  # type: ignore[arg-type]
