"""Migrates collections whose vectors are in a store without transactions.

Faces are described on the standby side, which is not served (``facerec.storage.generations``). It
may have faces of photos that have since been changed or deleted, so it is never served itself. A
switch fills a new side of its own with the standby faces of the served faces, while writers get
conflicts. Then one conditional write to the record serves that side, and keeps the side served so
far for a rollback. A switch that was overtaken has filled a side that nothing will read.

No request ever deletes from a side that the record names as served or as kept for a rollback,
except faces that a caller deletes, replaces or has deleted:

- All vectors of a side are erased only after a record was read that does not name the side. No
  later record names it again (``facerec.storage.dynamodb.migrations``).
- A switch deletes faces only from the side that it fills, before the record serves that side.
- A process that describes faces deletes only faces that it has described itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from facerec.core.batches import batches
from facerec.core.migrations import (
    MigrationState,
    faces_lacking,
    is_same_face,
    migration_ended,
)
from facerec.core.override import override
from facerec.core.protocols.migrations import MigrationStore
from facerec.core.records import by_image
from facerec.storage.namespaces import all_sides

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.migrations import Migration
    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.protocols.migrations import MigrationRecords
    from facerec.core.records import Collection, FaceRecord, StoredFace
    from facerec.storage.faces import FaceStore
    from facerec.storage.generations import FacesByGeneration

    class _Records(CollectionRecords, MigrationRecords, Protocol):
        pass


_COPIED = 500
"""Number of faces to copy at a time: Amazon S3 Vectors puts as many in one request."""


class StandbySides(MigrationStore):
    """A ``MigrationStore`` of faces and records that are in two services."""

    counts_lag = True

    def __init__(
        self,
        faces: FacesByGeneration,
        records: _Records,
        *,
        lag: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create the store.

        Args:
            faces: The faces of the collections.
            records: The records of the collections and their migrations.
            lag: Seconds for which reads of vectors may miss writes.
            sleep: Waits for a number of seconds.
        """
        self._faces, self._records, self._lag, self._sleep = faces, records, lag, sleep

    @override
    def get_migration(self, collection_id: str) -> Migration | None:
        return self._records.get_migration(collection_id)

    @override
    def begin_migration(self, migration: Migration) -> Migration:
        known = self._records.get_migration(migration.collection_id)
        if known is not None:
            return known
        collection = self._records.get_collection(migration.collection_id)
        return self._records.begin_migration(migration, first_side=self._first_side(collection))

    @override
    def put_standby_faces(
        self, collection: Collection, described: Mapping[FaceRecord, StoredFace]
    ) -> int:
        collection_id = collection.collection_id
        versions = {face.record.model_version for face in described.values()}
        current = self._require_served(collection, versions)
        standby = self._standby(current)
        if standby is None:
            raise migration_ended(collection_id)
        standby.add_to_images(collection_id, by_image(described.values()))
        # A face may have been deleted or changed before its standby face was stored.
        ids = [record.face_id for record in described]
        served = {face.record for face in self._faces.of(current).get_faces(collection_id, ids)}
        outdated = [record.face_id for record in described if record not in served]
        if outdated:
            standby.delete_faces(collection_id, outdated)
        if self._require_served(collection, versions).standby_side != current.standby_side:
            raise migration_ended(collection_id)
        return len(ids) - len(outdated)

    @override
    def get_standby_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        migration = self._records.get_migration(collection_id)
        collection = self._faces.current(collection_id)
        standby = None if collection is None else self._standby(collection)
        if migration is None or standby is None:
            return []
        return [
            face
            for face in standby.get_faces(collection_id, face_ids)
            if face.record.model_version == migration.standby_version
        ]

    @override
    def count_standby_faces(self, collection_id: str) -> int:
        standby = self._standby(self._records.get_collection(collection_id))
        return 0 if standby is None else standby.count_faces(collection_id)

    @override
    def has_standby_embedding(
        self, collection_id: str, embedding: NDArray[np.float32], max_distance: float
    ) -> bool:
        collection = self._faces.current(collection_id)
        if collection is None:
            return False
        others = (
            self._faces.on_side(collection, side)
            for side in sorted(self._sides(collection) - {collection.side})
        )
        return any(
            matches
            for faces in others
            for matches in faces.search(
                collection_id, embedding[None], limit=1, max_distance=max_distance
            )
        )

    @override
    def switch_version(
        self,
        collection_id: str,
        state: MigrationState,
        store_people: Callable[[FaceStore], None],
    ) -> Collection:
        known = self._records.get_collection(collection_id)
        collection = self._records.begin_switch(
            collection_id, state, first_side=self._first_side(known)
        )
        side = collection.next_side
        if side is None:
            raise migration_ended(collection_id)
        try:
            self._sleep(self._lag)
            filled = self._fill(collection, side)
            store_people(filled)
            self._sleep(self._lag)
            served = self._records.end_switch(collection)
        except BaseException:
            self._records.abort_switch(collection)
            self._erase_unnamed(collection)
            raise
        self._erase_unnamed(served)
        return served

    @override
    def end_old_switch(self, collection_id: str, now: float) -> bool:
        return self._records.abort_old_switch(collection_id, now)

    @override
    def begin_finish(self, collection_id: str) -> None:
        self._records.begin_finish(collection_id)

    @override
    def end_migration(self, collection_id: str, state: MigrationState) -> None:
        self._erase_unnamed(self._records.end_migration(collection_id, state))

    @override
    def erase_leftovers(self, collection_id: str) -> None:
        collection = self._records.get_collection(collection_id)
        if collection.sides == 1:
            return
        # Only sides that this record has had are erased: a newer copy of the records may name later
        # ones.
        unnamed = all_sides(collection) - collection.named_sides
        self._faces.delete_sides(collection, self._faces.stored_sides(collection) & unnamed)
        migration = self._records.get_migration(collection_id)
        if migration is not None and migration.state is not MigrationState.FINISHING:
            self._erase_orphans(collection)

    def _fill(self, collection: Collection, side: int) -> FaceStore:
        """Copy the standby faces of served faces to the side that a switch fills.

        Args:
            collection: The collection, as the switch has changed it.
            side: The side, which nobody else writes to, and which is empty.

        Returns:
            The faces on this side.

        Raises:
            MigrationError: Served faces have no standby faces.
            ConflictError: The switch was overtaken.
        """
        collection_id = collection.collection_id
        migration = self._records.get_migration(collection_id)
        served, standby = self._faces.of(collection), self._standby(collection)
        self._require_next(collection, side)
        if migration is None or standby is None:
            raise migration_ended(collection_id)
        filled = self._faces.on_side(collection, side)
        lacking = faces = 0
        for batch in batches(served.all_faces(collection_id), _COPIED):
            ids = [record.face_id for record in batch]
            others = {face.record.face_id: face for face in standby.get_faces(collection_id, ids)}
            copied = [
                other
                for record in batch
                if (other := others.get(record.face_id)) is not None
                and other.record.model_version == migration.standby_version
                and is_same_face(other.record, record)
            ]
            faces += len(batch)
            lacking += len(batch) - len(copied)
            if not lacking:
                filled.add_to_images(collection_id, by_image(copied))
                filled.delete_faces(collection_id, self._not_served(collection, ids))
                self._require_next(collection, side)
        if lacking:
            raise faces_lacking(collection_id, lacking, faces)
        if self._lag:
            # By now, reads show all faces that were deleted from the served side.
            self._sleep(self._lag)
            for batch in batches(filled.all_faces(collection_id), _COPIED):
                ids = [record.face_id for record in batch]
                filled.delete_faces(collection_id, self._not_served(collection, ids))
        return filled

    def _not_served(self, collection: Collection, face_ids: Sequence[str]) -> list[str]:
        """Return the ids of faces that a collection does not serve any more."""
        faces = self._faces.of(collection)
        stored = faces.vectors.stored_ids(collection.collection_id, face_ids)
        return [face_id for face_id in face_ids if face_id not in stored]

    def _erase_orphans(self, collection: Collection) -> None:
        """Delete standby faces that were described while somebody deleted the served ones.

        The process that describes a face does this itself, unless it is killed. If a read misses a
        served face that was just stored, its standby face is deleted too, and must be described
        again before a switch.
        """
        standby, collection_id = self._standby(collection), collection.collection_id
        for batch in batches(() if standby is None else standby.all_faces(collection_id), _COPIED):
            assert standby is not None  # noqa: S101 - there is a batch
            ids = [record.face_id for record in batch]
            standby.delete_faces(collection_id, self._not_served(collection, ids))

    def _sides(self, collection: Collection) -> frozenset[int]:
        """Return the sides that a collection has had; an older copy of the record names fewer."""
        return all_sides(collection) | self._faces.stored_sides(collection)

    def _first_side(self, collection: Collection) -> int:
        """Return a number above those of all sides that have vectors."""
        return 1 + max(self._faces.stored_sides(collection), default=0)

    def _standby(self, collection: Collection) -> FaceStore | None:
        """Return the faces on the standby side of a collection; None without a migration."""
        side = collection.standby_side
        return None if side is None else self._faces.on_side(collection, side)

    def _erase_unnamed(self, collection: Collection) -> None:
        """Erase the sides that the record of a collection does not name."""
        current = self._faces.current(collection.collection_id)
        if current is not None and current.created_at == collection.created_at:
            self._faces.delete_sides(current, sorted(all_sides(current) - current.named_sides))
        elif collection.next_side is not None:
            # The collection may have been deleted before the switch wrote to this side.
            self._faces.delete_sides(collection, [collection.next_side])

    def _require_served(self, collection: Collection, versions: set[str]) -> Collection:
        """Return the current record of a collection, after checking that it serves the same side.

        Raises:
            ConflictError: The collection was deleted or switched, or is not migrated to these
                versions.
        """
        collection_id = collection.collection_id
        migration = self._records.get_migration(collection_id)
        current = self._faces.current(collection_id)
        if (
            migration is None
            or current is None
            or current.created_at != collection.created_at
            or (current.side, current.model_version) != (collection.side, collection.model_version)
            or versions - {migration.standby_version}
        ):
            raise migration_ended(collection_id)
        return current

    def _require_next(self, collection: Collection, side: int) -> None:
        """Check that a switch still fills a side; if so, the record names the same other sides.

        Raises:
            ConflictError: Another process has ended the switch.
        """
        current = self._faces.current(collection.collection_id)
        if (
            current is None
            or current.created_at != collection.created_at
            or current.next_side != side
        ):
            raise migration_ended(collection.collection_id)
