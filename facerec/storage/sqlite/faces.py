"""The rows of faces: records by slot, by id and by image."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from facerec.core.records import FaceRecord
from facerec.storage.columns import COLUMNS, from_columns, to_columns

_SELECTED = ", ".join(COLUMNS)

_PUT = (
    f"INSERT OR REPLACE INTO face (slot, namespace, {_SELECTED}) "  # noqa: S608 - own names
    f"VALUES (:slot, :namespace, {', '.join(f':{column}' for column in COLUMNS)})"
)


def put(connection: sqlite3.Connection, namespace: int, records: Mapping[int, FaceRecord]) -> None:
    """Write records by slot, over those that the slots had."""
    connection.executemany(
        _PUT,
        (
            {"slot": slot, "namespace": namespace, **to_columns(record)}
            for slot, record in records.items()
        ),
    )


def delete(connection: sqlite3.Connection, slots: Iterable[int]) -> None:
    """Delete the rows of slots."""
    connection.executemany("DELETE FROM face WHERE slot = ?", ((slot,) for slot in slots))


def slots_of_image(
    connection: sqlite3.Connection, namespace: int, image_key: str
) -> dict[str, int]:
    """Return the slots of an image's faces by face id."""
    rows = connection.execute(
        "SELECT face_id, slot FROM face WHERE namespace = ? AND face_id >= ? AND face_id < ?",
        (namespace, image_key, _behind(image_key)),
    )
    return dict(rows.fetchall())


def records_of_image(
    connection: sqlite3.Connection, namespace: int, image_key: str
) -> list[FaceRecord]:
    """Return the records of an image's faces in the order of their ids."""
    return _records(
        connection,
        "namespace = ? AND face_id >= ? AND face_id < ? ORDER BY face_id",
        (namespace, image_key, _behind(image_key)),
    )


def slots_of_faces(
    connection: sqlite3.Connection, namespace: int, face_ids: Sequence[str]
) -> dict[str, int]:
    """Return the slots of those of the faces that are stored, by face id, in the order asked."""
    rows = connection.execute(
        "SELECT face_id, slot FROM face "
        "WHERE namespace = ? AND face_id IN (SELECT value FROM json_each(?))",
        (namespace, json.dumps(list(face_ids))),
    )
    slots = dict(rows.fetchall())
    return {face_id: slots[face_id] for face_id in face_ids if face_id in slots}


def records_of_slots(connection: sqlite3.Connection, slots: Iterable[int]) -> dict[int, FaceRecord]:
    """Return the records of slots that hold a face."""
    rows = connection.execute(
        f"SELECT slot, {_SELECTED} FROM face "  # noqa: S608 - own names
        "WHERE slot IN (SELECT value FROM json_each(?))",
        (json.dumps(list(slots)),),
    )
    return {row[0]: _record(row[1:]) for row in rows}


def records_behind(
    connection: sqlite3.Connection, namespace: int, after: str | None, limit: int
) -> list[FaceRecord]:
    """Return records in the order of their face ids, those behind ``after`` only."""
    return _records(
        connection,
        "namespace = ? AND face_id > ? ORDER BY face_id LIMIT ?",
        (namespace, after or "", limit),
    )


def count(connection: sqlite3.Connection, namespace: int) -> int:
    """Return how many faces the namespace holds."""
    (faces,) = connection.execute(
        "SELECT count(*) FROM face WHERE namespace = ?", (namespace,)
    ).fetchone()
    return int(faces)


def delete_all(connection: sqlite3.Connection, namespace: int) -> None:
    """Delete all rows of a namespace."""
    connection.execute("DELETE FROM face WHERE namespace = ?", (namespace,))


def _records(
    connection: sqlite3.Connection, condition: str, values: tuple[object, ...]
) -> list[FaceRecord]:
    statement = f"SELECT {_SELECTED} FROM face WHERE {condition}"  # noqa: S608 - own names
    return [_record(row) for row in connection.execute(statement, values)]


def _record(row: Sequence[str | float | None]) -> FaceRecord:
    return from_columns(dict(zip(COLUMNS, row, strict=True)))


def _behind(image_key: str) -> str:
    # what follows the key in a face id are hexadecimal digits, all of which sort before "g"
    return image_key + "g"
