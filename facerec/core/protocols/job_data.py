"""The protocol of the data about faces that jobs keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from facerec.core.collection_settings import CollectionSettings
    from facerec.core.erasures import ErasedJob, KeptByJob, Selection
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection, StoredFace
    from facerec.core.tombstone_copies import TombstoneCopy
    from facerec.errors import FacerecError


class JobData(Protocol):
    """The copies of faces in the folders of jobs.

    Each method raises a ``FacerecError``, such as ``StoreUnavailableError``, if the store of the
    folders fails.
    """

    def forget(
        self,
        collection_id: str,
        selection: Selection,
        *,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> Sequence[ErasedJob]:
        """Erase faces and photos, or a whole collection, from the jobs of a collection.

        Args:
            collection_id: The collection.
            selection: The faces and photos, or the collection.
            on_error: Receives the error of each folder that may contain embeddings and cannot be
                read or changed; None raises the first one at the end.

        Returns:
            Counts of the data removed from each folder; unknown ids and names are ignored.

        Raises:
            FacerecError: A job folder that may contain embeddings cannot be read; raised after the
                others were erased.
        """
        ...

    def creations(self, collection_id: str) -> frozenset[float]:
        """Return the creation times of the collections with this id whose photos jobs remember.

        Returns:
            Seconds since 1970.
        """
        ...

    def sweep(
        self,
        collection_ids: Iterable[str],
        is_gone: Callable[[str], bool],
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> frozenset[str]:
        """Delete what killed children have added to jobs of deleted collections.

        Args:
            collection_ids: Deleted collections.
            is_gone: Returns whether no collection with an id exists or was lost. If there may be
                one, only the folders of jobs that a receipt lists as deleted are deleted.
            stop: Called between folders; once it returns true, the rest is left to the next call,
                which continues there.

        Returns:
            The collections from whose jobs something was deleted.
        """
        ...

    def is_importing(self, collection_id: str, created_at: float) -> bool:
        """Return whether files with faces are being imported into a collection.

        An erasure calls this after ``forget``: an import may bring the erased faces back, so the
        erasure is repeated when the import has ended.

        Args:
            collection_id: The collection.
            created_at: Its creation time, in seconds since 1970.
        """
        ...

    def has_import(self, collection_id: str, created_at: float) -> bool:
        """Return whether an import into a collection is planned or under way.

        If the collection is switched to another model version in the meantime, such an import
        stores faces beside those that the collection serves.

        Args:
            collection_id: The collection.
            created_at: Its creation time, in seconds since 1970.
        """
        ...

    def get(
        self,
        collection_id: str,
        selection: Selection,
        *,
        with_faces: bool = True,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> Sequence[KeptByJob]:
        """Return the data that the jobs of a collection keep about faces and photos.

        Args:
            collection_id: The collection.
            selection: The faces and photos.
            with_faces: Whether to read embeddings; otherwise ``KeptByJob.faces`` is empty.
            on_error: Receives the error of each folder or file that cannot be read; None raises the
                first one at the end.

        Raises:
            FacerecError: A job folder that may contain data cannot be read.
        """
        ...

    def keep_tombstones(self, collection: Collection, copy: TombstoneCopy) -> None:
        """Keep a copy of the tombstones of an erasure until the collection is deleted."""
        ...

    def tombstone_key(self, collection_id: str) -> bytes | None:
        """Return the key of the latest copy of a collection's tombstones; None without a copy.

        Raises:
            ReceiptDamagedError: A copy is damaged.
        """
        ...

    def drop_lifted_tombstones(self, collection_id: str, records: RecordStore) -> None:
        """Remove from the copies the tombstones that were removed from the store on purpose.

        Raises:
            ReceiptDamagedError: A copy is damaged.
            CollectionNotFoundError: The collection was deleted in the meantime.
            ConflictError: Too many concurrent changes of a copy.
        """
        ...

    def keep_settings(self, collection: Collection, settings: CollectionSettings) -> None:
        """Keep a copy of the settings of a collection, if jobs have indexed into it.

        Raises:
            JobFolderError: The earlier copy is damaged.
        """
        ...

    def count_lost(
        self,
        collection_id: str,
        faces: Any,  # noqa: ANN401 - a ``FaceStore``, a class that this package does not know
        records: RecordStore,
    ) -> int:
        """Return the number of lost faces that the jobs of another model version still contain.

        Faces that were deleted on purpose are not counted.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            InvalidInputError: A segment of a ledger is damaged.
        """
        ...

    def change_version(
        self,
        collection: Collection,
        get_faces: Callable[[Sequence[str]], Sequence[StoredFace]],
    ) -> tuple[int, int]:
        """Replace the embeddings in job folders by those that a migrated collection serves.

        Args:
            collection: The collection.
            get_faces: Returns the stored faces among those with the given ids.

        Returns:
            The number of embeddings that were replaced, and of those that were removed because the
            collection does not have their faces.

        Raises:
            FacerecError: A job folder that may contain embeddings cannot be read.
        """
        ...
