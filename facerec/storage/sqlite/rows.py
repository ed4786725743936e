"""The rows of vectors: ids and metadata by slot, by id and by group."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from facerec.core.ids import group_bounds
from facerec.core.vectors import Metadata, VectorRecord


def put(
    connection: sqlite3.Connection, namespace: int, records: Mapping[int, VectorRecord]
) -> None:
    """Write records by slot, in place of those that the slots had."""
    connection.executemany(
        "INSERT OR REPLACE INTO vector (slot, id, metadata) VALUES (?, ?, ?)",
        ((slot, record.id, encode(record.metadata)) for slot, record in records.items()),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO vector_slot (namespace, id, slot) VALUES (?, ?, ?)",
        ((namespace, record.id, slot) for slot, record in records.items()),
    )


def delete(connection: sqlite3.Connection, namespace: int, slots: Mapping[str, int]) -> None:
    """Delete the rows of vectors, given as slots by id."""
    connection.executemany(
        "DELETE FROM vector WHERE slot = ?", ((slot,) for slot in slots.values())
    )
    connection.executemany(
        "DELETE FROM vector_slot WHERE namespace = ? AND id = ?",
        ((namespace, vector_id) for vector_id in slots),
    )


def slots_of_group(connection: sqlite3.Connection, namespace: int, group: str) -> dict[str, int]:
    """Return the slots of a group's vectors by id, ordered by id."""
    rows = connection.execute(
        "SELECT id, slot FROM vector_slot WHERE namespace = ? AND id >= ? AND id < ? ORDER BY id",
        (namespace, *group_bounds(group)),
    )
    return dict(rows.fetchall())


def records_of_group(
    connection: sqlite3.Connection, namespace: int, group: str
) -> list[VectorRecord]:
    """Return the records of a group, ordered by id."""
    slots = slots_of_group(connection, namespace, group).values()
    records = records_of_slots(connection, slots) if slots else {}
    return [records[slot] for slot in slots]


def slots_of_ids(
    connection: sqlite3.Connection, namespace: int, ids: Sequence[str]
) -> dict[str, int]:
    """Return the slots of those of the vectors that are stored, by id, in the order of ``ids``."""
    rows = connection.execute(
        "SELECT id, slot FROM vector_slot "
        "WHERE namespace = ? AND id IN (SELECT value FROM json_each(?))",
        (namespace, json.dumps(list(ids))),
    )
    slots = dict(rows.fetchall())
    return {each: slots[each] for each in ids if each in slots}


def records_of_slots(
    connection: sqlite3.Connection, slots: Iterable[int]
) -> dict[int, VectorRecord]:
    """Return the records of slots that hold a vector."""
    rows = connection.execute(
        "SELECT slot, id, metadata FROM vector WHERE slot IN (SELECT value FROM json_each(?))",
        (json.dumps(list(slots)),),
    )
    return {slot: _record(*row) for slot, *row in rows}


def records_after(
    connection: sqlite3.Connection, namespace: int, after: str | None, limit: int
) -> list[VectorRecord]:
    """Return records ordered by id, starting after the id ``after``."""
    rows = connection.execute(
        "SELECT vector.id, metadata FROM "
        "(SELECT id, slot FROM vector_slot WHERE namespace = ? AND id > ? ORDER BY id LIMIT ?) "
        "AS page CROSS JOIN vector USING (slot) ORDER BY page.id",
        (namespace, after or "", limit),
    )
    return [_record(*row) for row in rows]


def encode(metadata: Metadata) -> str:
    """Return metadata as the text that a row holds."""
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))


def _record(vector_id: str, metadata: str) -> VectorRecord:
    return VectorRecord(vector_id, json.loads(metadata))
