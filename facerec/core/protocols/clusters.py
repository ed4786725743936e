"""The protocol of stores of clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.clusters import Cluster, ClusterChanges, FaceArrays
    from facerec.core.faces import Quality


class ClusterStore(Protocol):
    """The clusters of collections. They are deleted with their collection.

    A deleted face leaves its cluster, and loses its mark as not a face. Each method raises a
    ``FacerecError``, such as ``StoreUnavailableError``, if the store fails.
    """

    def read_face_arrays(
        self,
        collection_id: str,
        cohort_version: str,
        is_clear: Callable[[Quality], bool],
        rule: str,
    ) -> FaceArrays:
        """Return the faces of a collection as arrays.

        The store may keep them, so that only changed faces are read the next time.

        Args:
            collection_id: The collection.
            cohort_version: Version of the cohort stats to return.
            is_clear: Returns whether a face of a given quality is clear enough to connect others.
            rule: A text that identifies ``is_clear``: functions with different results have
                different texts.

        Raises:
            CollectionNotFoundError: The collection does not exist; not every store checks this.
            ConflictError: The collection was switched to another model version concurrently, or
                there are too many concurrent changes.
        """
        ...

    def read_embeddings(self, slots: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of slots: float32, shape (n, 128).

        The slots must be in ascending order.

        If a face has been deleted since its slot was read, the embedding is far from all others, or
        belongs to a new face in the slot. ``face_ids_of_slots`` then omits the slot, or returns the
        id of the new face. A store that keeps the last arrays in memory returns the deleted face.

        Raises:
            ValueError: A store that keeps the last arrays in memory has none.
        """
        ...

    def read_state(self, collection_id: str) -> tuple[int, int, int] | None:
        """Return the current ``FaceArrays.state`` of a collection.

        Returns None if the collection does not exist; in some stores, also if it never had a face.
        """
        ...

    def face_ids_of_slots(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of faces by slot; slots that are free are omitted."""
        ...

    def slots_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        """Return the slots of stored faces by id; other faces are omitted."""
        ...

    def clusters_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of clusters by face id; faces in no cluster are omitted."""
        ...

    def faces_with_data(self, collection_id: str, face_ids: Sequence[str]) -> set[str]:
        """Return the ids, among those given, of faces that the store has any data about."""
        ...

    def members_of_clusters(
        self, collection_id: str, numbers: Sequence[int]
    ) -> dict[int, list[str]]:
        """Return the ids of all faces of clusters, with and without a person, in order, by number.

        Clusters without faces are omitted.
        """
        ...

    def mixed_clusters(self, collection_id: str) -> list[int]:
        """Return the numbers of clusters with faces of several people, in order."""
        ...

    def ignored_clusters(self, collection_id: str) -> set[int]:
        """Return the numbers of the clusters that are ignored."""
        ...

    def list_clusters(
        self,
        collection_id: str,
        *,
        after: tuple[int, int] | None = None,
        limit: int = 100,
        max_faces: int | None = None,
    ) -> list[Cluster]:
        """Return the clusters to suggest to people, largest first, then by number.

        A suggested cluster is not ignored, and has at least two faces, including one without a
        person. It has no face of a person who cannot have more faces.

        Args:
            collection_id: The collection.
            after: Last cluster of the previous page: its number of faces without a person, and its
                number.
            limit: Maximum number of clusters.
            max_faces: Maximum number of faces of a person; None for no limit.
        """
        ...

    def get_clusters(self, collection_id: str, numbers: Sequence[int]) -> list[Cluster]:
        """Return the clusters that have faces without a person, in the order of ``numbers``.

        Ignored clusters are included.
        """
        ...

    def read_version(self, collection_id: str) -> str:
        """Return a text that changes whenever clusters, or statements about them, change.

        Faces that are stored or deleted, the people of faces and corrections do not change it.
        """
        ...

    def save_clusters(
        self,
        collection_id: str,
        changes: ClusterChanges,
        state: tuple[int, int, int] | None,
        *,
        version: str | None = None,
    ) -> list[int]:
        """Change clusters, and return the numbers of those created, in their order.

        No other process changes clusters until the call ends. Faces that were deleted or clustered
        concurrently stay as they are. A store with transactions makes all changes or none. In
        others, an interruption leaves some faces to the next clustering.

        Args:
            collection_id: The collection.
            changes: The changes.
            state: State of the arrays that the changes were computed from. None keeps the stored
                state; a store that keeps states changes nothing if it has none yet.
            version: Version of the clusters that the changes were computed from; None if they do
                not depend on it.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Nothing was saved, since the version has changed or others kept saving
                clusters; or a part was saved, since there were too many concurrent changes or this
                save took too long.
        """
        ...

    def leave_clusters(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Remove faces from their clusters; the next clustering processes them again.

        Raises:
            ConflictError: Others are saving clusters, or there are too many concurrent changes.
        """
        ...

    def set_ignored(self, collection_id: str, number: int, *, ignored: bool) -> None:
        """Set whether a cluster is ignored.

        Raises:
            CollectionNotFoundError: The collection does not exist; not every store checks this.
            ConflictError: Others are saving clusters, or there are too many concurrent changes.
        """
        ...

    def set_not_faces(
        self, collection_id: str, face_ids: Sequence[str], *, lift: bool
    ) -> tuple[str, ...]:
        """Mark stored faces as not a face, so that no cluster contains them, or remove the mark.

        Returns:
            The ids of the faces whose mark changed.

        Raises:
            CollectionNotFoundError: The collection does not exist; not every store checks this.
            ConflictError: Others are saving clusters, or there are too many concurrent changes.
        """
        ...

    def list_not_faces(self, collection_id: str) -> list[str]:
        """Return the ids of faces marked as not a face, ordered."""
        ...
