"""The vectors of the embedded store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facerec.core.protocols import VectorStore
from facerec.core.vectors import Vector, VectorMatch, VectorRecord
from facerec.storage.checks import check_search, checked_groups
from facerec.storage.scan import Nearest, scan
from facerec.storage.sqlite import blocks, namespaces, rows
from facerec.storage.sqlite.approximate import (
    LARGE,
    ApproximateSearch,
    is_available,
    remove_indexes,
)
from facerec.storage.sqlite.database import Database
from facerec.storage.sqlite.matrices import Matrices


class SqliteVectors(VectorStore):
    """A ``VectorStore`` in one file, searched in memory."""

    def __init__(self, database: Database, *, large: int = LARGE) -> None:
        """Open the vectors.

        Args:
            database: the file.
            large: number of vectors from which a namespace is searched by an index, if faiss is
                installed.
        """
        self._database = database
        self._matrices = Matrices()
        self._approximate = ApproximateSearch(database, large) if is_available() else None

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        given = checked_groups(groups)
        with self._database.writing() as connection:
            number = namespaces.find_or_create(connection, namespace)
            slots: dict[str, int] = {}
            for group in groups:
                slots |= rows.slots_of_group(connection, number, group)
            dropped = [slot for vector_id, slot in slots.items() if vector_id not in given]
            rows.delete(connection, dropped)
            blocks.release(connection, number, dropped)
            added = [vector_id for vector_id in given if vector_id not in slots]
            allocated = blocks.allocate(connection, number, len(added))
            slots |= zip(added, allocated, strict=True)
            by_slot = {slots[vector_id]: vector for vector_id, vector in given.items()}
            blocks.write(
                connection, number, {slot: vector.values for slot, vector in by_slot.items()}
            )
            rows.put(connection, number, by_slot)
            namespaces.add_to_count(connection, number, len(added) - len(dropped))
        if dropped:
            remove_indexes(self._database.path)

    @override
    def find_groups(self, namespace: str, groups: Sequence[str]) -> dict[str, list[VectorRecord]]:
        with self._database.reading() as connection:
            number = namespaces.find(connection, namespace)
            if number is None:
                return {}
            found = {group: rows.records_of_group(connection, number, group) for group in groups}
        return {group: records for group, records in found.items() if records}

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Distances are exact.

        So are the matches, except in large namespaces if faiss is installed: see ``approximate``.
        """
        check_search(probes, limit)
        if self._approximate is not None:
            with self._database.reading() as connection:
                found = self._approximate.search(
                    connection, namespace, probes, top=limit, max_distance=max_distance
                )
                if found is not None:
                    return _matches(connection, found)
        with self._database.reading() as connection:
            segments = self._matrices.segments(connection, namespace)
            nearest = scan(segments, probes, top=limit, max_distance=max_distance)
            return _matches(connection, nearest)

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        with self._database.reading() as connection:
            number = namespaces.find(connection, namespace)
            if number is None:
                return []
            slots = rows.slots_of_ids(connection, number, ids).values()
            records = rows.records_of_slots(connection, slots)
            embeddings = blocks.read(connection, slots)
        return [
            Vector(records[slot].id, records[slot].metadata, embeddings[slot]) for slot in slots
        ]

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        with self._database.reading() as connection:
            number = namespaces.find(connection, namespace)
            if number is None:
                return []
            return rows.records_after(connection, number, after, limit)

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors.

        Raises:
            StoreUnavailableError: also if the vectors are deleted but their bytes are still in
                the log, because other processes read all the time; deleting again clears it.
        """
        with self._database.writing() as connection:
            number = namespaces.find(connection, namespace)
            slots: dict[str, int] = {}
            if number is not None:
                slots = rows.slots_of_ids(connection, number, ids)
                rows.delete(connection, slots.values())
                blocks.release(connection, number, list(slots.values()))
                namespaces.add_to_count(connection, number, -len(slots))
        remove_indexes(self._database.path)
        self._database.clear_log()
        return list(slots)

    @override
    def delete_namespace(self, namespace: str) -> None:
        """Erase a namespace; raises as ``delete_vectors`` does."""
        with self._database.writing() as connection:
            number = namespaces.find(connection, namespace)
            if number is not None:
                rows.delete_all(connection, number)
                blocks.delete_all(connection, number)
                namespaces.delete(connection, number)
        remove_indexes(self._database.path)
        self._database.clear_log()

    @override
    def count_vectors(self, namespace: str) -> int:
        with self._database.reading() as connection:
            return namespaces.count(connection, namespace)

    @override
    def expect_empty(self, namespace: str) -> None:
        """Do nothing: looking is cheap here."""

    @override
    def close(self) -> None:
        self._database.close()


def _matches(connection: sqlite3.Connection, nearest: Sequence[Nearest]) -> list[list[VectorMatch]]:
    slots = {int(slot) for of_probe in nearest for slot in of_probe.slots}
    records = rows.records_of_slots(connection, slots)
    return [
        [
            VectorMatch(records[int(slot)].id, records[int(slot)].metadata, float(distance))
            for slot, distance in zip(of_probe.slots, of_probe.distances, strict=True)
        ]
        for of_probe in nearest
    ]
