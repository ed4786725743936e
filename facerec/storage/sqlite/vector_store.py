"""The vectors of the embedded store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.override import override
from facerec.core.protocols.vectors import VectorStore
from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord
from facerec.errors import CollectionNotFoundError
from facerec.storage.checks import check_search, checked_groups
from facerec.storage.scan import Nearest, scan
from facerec.storage.sqlite import blocks, collections, namespaces, rows, standby
from facerec.storage.sqlite.approximate import LARGE, ApproximateSearch
from facerec.storage.sqlite.clearing import clear_deleted, clear_piece
from facerec.storage.sqlite.code_index import is_available, remove_indexes
from facerec.storage.sqlite.matrices import Matrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.records import Collection
    from facerec.storage.sqlite.database import Database

DELETED_AT_ONCE = 1000
"""Number of vectors to delete in one transaction."""


class SqliteVectors(VectorStore):
    """A ``VectorStore`` in one file, searched in memory."""

    def __init__(self, database: Database, *, large: int = LARGE) -> None:
        """Open the vectors.

        Args:
            database: The file.
            large: Minimum number of vectors of a namespace to search with an index, if faiss is
                installed.
        """
        self._database = database
        self._collection: Collection | None = None
        self._matrices = Matrices()
        self._approximate = ApproximateSearch(database, large) if is_available() else None

    def of(self, collection: Collection) -> SqliteVectors:
        """Return these vectors, restricted to a collection and its model version.

        Each transaction that stores vectors checks that the collection still exists. No transaction
        erases vectors of a later collection with the same id, stores vectors of a model version
        that the collection does not serve, or compares probes with such vectors.
        """
        own = copy(self)
        own._collection = collection
        return own

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        """See ``VectorStore``.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently; see ``of``.
            ConflictError: The collection serves another model version now; see ``of``.
            ValueError: A group or a vector is malformed.
        """
        return self._put(namespace, groups, replace=True)

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        """See ``VectorStore``.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently; see ``of``.
            ConflictError: The collection serves another model version now; see ``of``.
            ValueError: A group or a vector is malformed.
        """
        self._put(namespace, groups, replace=False)

    def _put(
        self, namespace: str, groups: Mapping[str, Sequence[Vector]], *, replace: bool
    ) -> list[str]:
        """Write groups in one transaction; return the ids of the vectors that it deleted.

        A vector has a slot: its embedding is in a block (``blocks``), its id and metadata are in a
        row (``rows``). Vectors that do not change are not written. With ``replace``, vectors of the
        groups that are not given are deleted. Each call also continues the clearing of deleted
        namespaces, in a transaction of its own.
        """
        given = checked_groups(groups)
        clear_piece(self._database)
        with self._database.writing() as connection:
            own = self._collection
            if own is not None and given and collections.is_deleted(connection, own):
                raise CollectionNotFoundError(own.collection_id)
            if own is not None and given and namespace == own.collection_id:
                standby.require_version(connection, namespace, own.model_version)
            number = namespaces.get_or_create(connection, namespace)
            slots = rows.slots_of_groups(connection, number, groups)
            changed = _changed(connection, slots, given)
            dropped = {each: slot for each, slot in slots.items() if replace and each not in given}
            added = [vector_id for vector_id in given if vector_id not in slots]
            if not (changed or dropped):
                return []
            write = namespaces.begin_write(connection, number, added=len(added) - len(dropped))
            standby.forget(connection, namespace, (*changed, *dropped))
            rows.delete(connection, number, dropped)
            blocks.release(connection, number, list(dropped.values()), write)
            allocated = blocks.allocate(connection, number, len(added))
            slots |= zip(added, allocated, strict=True)
            by_slot = {slots[vector_id]: given[vector_id] for vector_id in changed}
            values = {slot: vector.values for slot, vector in by_slot.items()}
            blocks.put(connection, values, write)
            rows.put(connection, number, by_slot)
        if dropped:
            remove_indexes(self._database.path)
        return sorted(dropped)

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        with self._database.writing() as connection:
            number = namespaces.get(connection, namespace)
            if number is not None:
                rows.change_metadata(connection, number, changes)

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        del shared
        with self._database.reading() as connection:
            number = namespaces.get(connection, namespace)
            if number is None:
                return {}
            records = rows.records_of_groups(connection, number, groups)
        found: dict[str, list[VectorRecord]] = {group: [] for group in groups}
        for record in records:
            found[record.group].append(record)
        return {group: members for group, members in found.items() if members}

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors of each probe, with exact distances.

        In large namespaces, and if faiss is installed, a neighbour may be missed: see
        ``approximate``.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently; see ``of``.
            ConflictError: The collection serves another model version now; see ``of``.
            ValueError: The probes or the limit are malformed.
        """
        check_search(probes, limit)
        if self._approximate is not None:
            with self._database.reading() as connection:
                found = self._approximate.search(
                    connection, namespace, probes, limit=limit, max_distance=max_distance
                )
                if found is not None:
                    self._check_version(connection)
                    return _matches(connection, found)
        with self._database.reading() as connection:
            chunks = self._matrices.chunks(connection, namespace)
            nearest = scan(chunks, probes, limit=limit, max_distance=max_distance)
            self._check_version(connection)
            return _matches(connection, nearest)

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        """See ``VectorStore``.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently; see ``of``.
            ConflictError: The collection serves another model version now; see ``of``.
        """
        with self._database.reading() as connection:
            number = namespaces.get(connection, namespace)
            if number is None:
                return []
            slots = rows.slots_of_ids(connection, number, ids).values()
            records = rows.records_of_slots(connection, slots)
            embeddings = blocks.read(connection, slots)
            if slots:
                self._check_version(connection)
        return [
            Vector(records[slot].id, records[slot].metadata, embeddings[slot]) for slot in slots
        ]

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        with self._database.reading() as connection:
            number = namespaces.get(connection, namespace)
            if number is None:
                return []
            return rows.records_after(connection, number, after, limit)

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors.

        Raises:
            StoreUnavailableError: The store failed; or the vectors are deleted, but other processes
                are reading the log, which still contains their bytes. Deleting again clears it.
        """
        deleted: list[str] = []
        for batch in batches(ids, DELETED_AT_ONCE):
            deleted += self._delete(namespace, batch)
        self._erase()
        return deleted

    def _delete(self, namespace: str, ids: Sequence[str]) -> list[str]:
        with self._database.writing() as connection:
            if self._belongs_to_later(connection):
                return []
            standby.forget(connection, namespace, ids)
            return standby.delete_vectors(connection, namespace, ids)

    @override
    def delete_namespace(self, namespace: str) -> None:
        """Erase a namespace; for errors, see ``delete_vectors``.

        After the first of several short transactions, searches no longer find the namespace; see
        ``clearing``.
        """
        with self._database.writing() as connection:
            if not self._belongs_to_later(connection):
                namespaces.mark_deleted(connection, namespace)
                namespaces.mark_deleted(connection, standby.standby_of(namespace))
        self._erase()

    def _check_version(self, connection: sqlite3.Connection) -> None:
        """Check that the vectors that were read have the model version of the collection in ``of``.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The collection serves another version.
        """
        own = self._collection
        if own is not None:
            standby.require_version(connection, own.collection_id, own.model_version)

    def _belongs_to_later(self, connection: sqlite3.Connection) -> bool:
        """Return whether the namespace belongs to a later collection than these vectors."""
        own = self._collection
        return own is not None and collections.is_created_again(connection, own)

    def _erase(self) -> None:
        """Erase traces of deleted data from the file, the indexes and the log."""
        clear_deleted(self._database)
        remove_indexes(self._database.path)
        self._database.clear_log()

    @override
    def count_vectors(self, namespace: str) -> int:
        with self._database.reading() as connection:
            return namespaces.count(connection, namespace)

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        with self._database.reading() as connection:
            return set(names).intersection(namespaces.names(connection))

    def deleted_collections(self) -> list[str]:
        """Return, in order, the ids of collections that do not exist but still have vectors."""
        with self._database.reading() as connection:
            return namespaces.without_collection(connection)

    @override
    def version(self, namespace: str) -> str | None:
        """Return the numbers of the namespace and of its last write; None if it does not exist.

        A restored copy of the database does not use the same numbers for other writes.
        """
        with self._database.reading() as connection:
            found = namespaces.writes(connection, namespace)
        return None if found is None else "{}-{}".format(*found)

    @override
    def expect_empty(self, namespace: str) -> None:
        """Do nothing: lookups are cheap in this store."""

    @override
    def close(self) -> None:
        self._database.close()


def _changed(
    connection: sqlite3.Connection, slots: Mapping[str, int], given: Mapping[str, Vector]
) -> list[str]:
    """Return the ids of the given vectors that are not yet stored with the given values."""
    stored = [slots[vector_id] for vector_id in given if vector_id in slots]
    if not stored:
        return list(given)
    records = rows.records_of_slots(connection, stored)
    embeddings = blocks.read(connection, stored)
    return [
        vector_id
        for vector_id, vector in given.items()
        if vector_id not in slots
        or records[slots[vector_id]].metadata != vector.metadata
        or embeddings[slots[vector_id]].tobytes() != vector.values.tobytes()
    ]


def _matches(connection: sqlite3.Connection, nearest: Sequence[Nearest]) -> list[list[VectorMatch]]:
    slots = {slot for of_probe in nearest for slot in of_probe.slots.tolist()}
    stored = rows.values_of_slots(connection, slots)
    return [
        [
            VectorMatch(*stored[slot], distance)
            for slot, distance in zip(
                of_probe.slots.tolist(), of_probe.distances.tolist(), strict=True
            )
        ]
        for of_probe in nearest
    ]
