"""The rows of vectors: ids and metadata by slot, by id and by group."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from facerec.core.ids import group_bounds
from facerec.core.vectors import Metadata, VectorRecord

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""An encoder that is created once; ``json.dumps`` would create one for each row."""

_DECODE = json.JSONDecoder().raw_decode
"""A decoder without the checks of ``json.loads`` for texts of unknown origin, which take a fifth of
the time of ``json.loads``."""


def put(
    connection: sqlite3.Connection, namespace: int, records: Mapping[int, VectorRecord]
) -> None:
    """Write records by slot; they replace the records in these slots."""
    connection.executemany(
        "INSERT OR REPLACE INTO vector (slot, id, metadata) VALUES (?, ?, ?)",
        ((slot, record.id, encode(record.metadata)) for slot, record in records.items()),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO vector_slot (namespace, id, slot) VALUES (?, ?, ?)",
        ((namespace, record.id, slot) for slot, record in records.items()),
    )


def change_metadata(
    connection: sqlite3.Connection, namespace: int, changes: Mapping[str, Metadata]
) -> None:
    """Set fields of the metadata of stored vectors, by id; unknown ids are ignored."""
    slots = slots_of_ids(connection, namespace, list(changes))
    records = records_of_slots(connection, slots.values())
    connection.executemany(
        "UPDATE vector SET metadata = ? WHERE slot = ?",
        (
            (encode({**records[slot].metadata, **changes[vector_id]}), slot)
            for vector_id, slot in slots.items()
        ),
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


def slots_of_groups(
    connection: sqlite3.Connection, namespace: int, groups: Iterable[str]
) -> dict[str, int]:
    """Return the slots of the vectors of groups by id."""
    rows = connection.execute(
        "SELECT vector_slot.id, slot FROM json_each(?) AS bounds CROSS JOIN vector_slot "
        "ON namespace = ? AND vector_slot.id >= bounds.key AND vector_slot.id < bounds.value",
        (_bounds(groups), namespace),
    )
    return dict(rows.fetchall())


def records_of_groups(
    connection: sqlite3.Connection, namespace: int, groups: Iterable[str]
) -> list[VectorRecord]:
    """Return the records of groups, ordered by id."""
    rows = connection.execute(
        "SELECT vector.id, metadata FROM json_each(?) AS bounds CROSS JOIN vector_slot "
        "ON namespace = ? AND vector_slot.id >= bounds.key AND vector_slot.id < bounds.value "
        "CROSS JOIN vector USING (slot) ORDER BY vector.id",
        (_bounds(groups), namespace),
    )
    return [_record(*row) for row in rows]


def slots_of_ids(
    connection: sqlite3.Connection, namespace: int, ids: Sequence[str]
) -> dict[str, int]:
    """Return the slots of stored vectors by id, in the order of ``ids``; omit unknown ids."""
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
    values = values_of_slots(connection, slots)
    return {slot: VectorRecord(*own) for slot, own in values.items()}


def values_of_slots(
    connection: sqlite3.Connection, slots: Iterable[int]
) -> dict[int, tuple[str, Metadata]]:
    """Return the ids and the metadata of slots that hold a vector."""
    rows = connection.execute(
        "SELECT slot, id, metadata FROM vector WHERE slot IN (SELECT value FROM json_each(?))",
        (json.dumps(list(slots)),),
    )
    return {slot: (vector_id, _DECODE(metadata)[0]) for slot, vector_id, metadata in rows}


def ids_of_slots(connection: sqlite3.Connection, slots: Iterable[int]) -> dict[int, str]:
    """Return the ids of slots that hold a vector."""
    rows = connection.execute(
        "SELECT slot, id FROM vector WHERE slot IN (SELECT value FROM json_each(?))",
        (json.dumps(list(slots)),),
    )
    return dict(rows.fetchall())


def records_of_range(
    connection: sqlite3.Connection, start: int, end: int
) -> list[tuple[int, VectorRecord]]:
    """Return the slots from ``start`` up to ``end`` that hold a vector, with their records."""
    rows = connection.execute(
        "SELECT slot, id, metadata FROM vector WHERE slot >= ? AND slot < ? ORDER BY slot",
        (start, end),
    )
    return [(slot, _record(*row)) for slot, *row in rows]


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
    """Return metadata as the text of a row."""
    return _ENCODER.encode(metadata)


def _bounds(groups: Iterable[str]) -> str:
    """Return the bounds of groups as a JSON object, to use one statement instead of many."""
    return json.dumps(dict(map(group_bounds, groups)))


def _record(vector_id: str, metadata: str) -> VectorRecord:
    return VectorRecord(vector_id, _DECODE(metadata)[0])
