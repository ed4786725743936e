"""The protocol of stores that can migrate collections to another model version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.migrations import Migration, MigrationState
    from facerec.core.records import Collection, FaceRecord, StoredFace


class MigrationStore(Protocol):
    """The migrations of collections, and the faces of their standby versions.

    Each method raises a ``FacerecError``, such as ``StoreUnavailableError``, if the store fails.

    A switch serves a standby face only if the served face of the same id still exists unchanged.
    A store with transactions removes a standby face in the transaction that removes or changes its
    served face.

    Attributes:
        counts_lag: Whether counts may miss recent writes, or include faces that a switch removes.
    """

    counts_lag: ClassVar[bool] = False

    def get_migration(self, collection_id: str) -> Migration | None:
        """Return the unfinished migration of a collection; None if there is none."""
        ...

    def begin_migration(self, migration: Migration) -> Migration:
        """Store a new migration and return it, or return the one that the collection already has.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
            MigrationError: The collection has been migrated too often.
        """
        ...

    def put_standby_faces(
        self, collection: Collection, described: Mapping[FaceRecord, StoredFace]
    ) -> int:
        """Store standby faces, and return their number.

        Args:
            collection: The collection, as it was read before its faces were read.
            described: Standby faces, each with the served face that it describes. A standby face
                whose served face has since been deleted or changed is not stored.

        Raises:
            ConflictError: The collection was deleted or switched, or the migration has ended.
        """
        ...

    def get_standby_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """Return standby faces in the order of ``face_ids``; unknown ids are omitted."""
        ...

    def count_standby_faces(self, collection_id: str) -> int:
        """Return the number of standby faces.

        Raises:
            CollectionNotFoundError: The collection does not exist; not every store checks this.
        """
        ...

    def has_standby_embedding(
        self, collection_id: str, embedding: NDArray[np.float32], max_distance: float
    ) -> bool:
        """Return whether a standby face has this embedding, up to a Euclidean distance.

        In a store without transactions, vectors that killed processes have left of migrations count
        too.
        """
        ...

    def switch_version(
        self,
        collection_id: str,
        state: MigrationState,
        # The argument takes a ``FaceStore``, a class that this package cannot import.
        store_people: Callable[[Any], None],
    ) -> Collection:
        """Serve the standby version and keep the version served so far on standby, atomically.

        The thresholds are exchanged too. Call it in a transaction that also computes the vectors of
        people whose vectors are out of date. A concurrent change of a person computes that person's
        vector again afterwards.

        Args:
            collection_id: The collection.
            state: The state that the migration is expected to have.
            store_people: Stores the vectors of all people in a store of faces that contains the
                standby version. A store without transactions calls it before the switch; others do
                not call it, but mark the vectors of all people as out of date.

        Returns:
            The changed collection.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The migration does not have this state, or the collection was changed
                concurrently.
            MigrationError: A face has no standby face, or the collection has had too many sides.
        """
        ...

    def end_old_switch(self, collection_id: str, now: float) -> bool:
        """End a switch that is so old that its process was killed; return whether there was one.

        Writers are refused during a switch. A store with transactions itself ends an interrupted
        switch.

        Args:
            collection_id: The collection.
            now: Seconds since 1970, UTC.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        del collection_id, now
        return False

    def erase_leftovers(self, collection_id: str) -> None:
        """Erase the vectors that killed processes have left of migrations.

        A store with transactions has none.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Another process has switched the collection concurrently.
        """
        del collection_id

    def begin_finish(self, collection_id: str) -> None:
        """Record that the standby version is being removed.

        Raises:
            ConflictError: The new version is not served any more, or the migration has ended.
        """
        ...

    def end_migration(self, collection_id: str, state: MigrationState) -> None:
        """Erase the standby faces and the migration.

        Args:
            collection_id: The collection.
            state: The state that the migration is expected to have.

        Raises:
            ConflictError: The migration has another state, or has ended.
            StoreUnavailableError: The store failed; or the migration has ended, but other processes
                are reading a log that still contains its embeddings. The next deletion empties it.
        """
        ...


class MigrationRecords(Protocol):
    """The records of migrations, beside the records of collections, without transactions.

    Each method raises a ``FacerecError``, such as ``StoreUnavailableError``, if the store fails.
    """

    def get_migration(self, collection_id: str) -> Migration | None:
        """Return the unfinished migration of a collection; None if there is none."""
        ...

    def begin_migration(self, migration: Migration, *, first_side: int = 1) -> Migration:
        """Store a new migration and return it, or return the one that the collection already has.

        The migration has a new standby side.

        Args:
            migration: The migration.
            first_side: Lowest number that the new side may have.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Another process has changed the sides concurrently.
            MigrationError: The collection has had too many sides.
        """
        ...

    def begin_switch(
        self, collection_id: str, state: MigrationState, *, first_side: int = 1
    ) -> Collection:
        """Record that a switch fills a new side, and return the changed collection.

        If an earlier switch is under way, its ``end_switch`` then raises an error.

        Args:
            collection_id: The collection.
            state: The state that its migration must have.
            first_side: Minimum number of the new side; all sides with vectors have lower numbers.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The migration does not have this state, or has ended, or another process
                has changed the sides concurrently.
            MigrationError: The collection has had too many sides.
        """
        ...

    def abort_switch(self, collection: Collection) -> None:
        """Record that a switch is no longer under way.

        Does nothing if the switch has ended, or another one has replaced it.

        Args:
            collection: The collection that ``begin_switch`` has returned.
        """
        ...

    def abort_old_switch(self, collection_id: str, now: float) -> bool:
        """End a switch that is so old that its process was killed; return whether there was one.

        Args:
            collection_id: The collection.
            now: Seconds since 1970, UTC.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        ...

    def end_switch(self, collection: Collection) -> Collection:
        """Serve the filled side, keep the side served so far, and exchange the thresholds.

        Args:
            collection: The collection that ``begin_switch`` has returned.

        Returns:
            The changed collection.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The switch is not under way any more, or the threshold has changed.
        """
        ...

    def begin_finish(self, collection_id: str) -> None:
        """Record that the standby version is being removed.

        Raises:
            ConflictError: The new version is not served any more, or the migration has ended.
        """
        ...

    def end_migration(self, collection_id: str, state: MigrationState) -> Collection:
        """Remove a migration, but not its standby faces, and return the changed collection.

        Args:
            collection_id: The collection.
            state: The state that the migration is expected to have.

        Raises:
            ConflictError: The migration has another state, or has ended.
        """
        ...
