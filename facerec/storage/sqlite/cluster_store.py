"""The clusters of the embedded store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.clusters import ClusterStore
from facerec.storage.sqlite import clusters, collections, face_arrays, namespaces, rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.clusters import Cluster, ClusterChanges, FaceArrays
    from facerec.core.faces import Quality
    from facerec.storage.sqlite.database import Database


class SqliteClusters(ClusterStore):
    """A ``ClusterStore`` in the same file as the faces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def read_face_arrays(
        self,
        collection_id: str,
        cohort_version: str,
        is_clear: Callable[[Quality], bool],
        rule: str,
    ) -> FaceArrays:
        summary_rule = face_arrays.SummaryRule(cohort_version, is_clear, rule)
        face_arrays.summarise(self._database, collection_id, summary_rule)
        with self._database.reading() as connection:
            return face_arrays.read(connection, collection_id, summary_rule)

    @override
    def read_embeddings(self, slots: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        with self._database.reading() as connection:
            return face_arrays.read_embeddings(connection, slots)

    @override
    def read_state(self, collection_id: str) -> tuple[int, int, int] | None:
        with self._database.reading() as connection:
            return face_arrays.read_state(connection, collection_id)

    @override
    def face_ids_of_slots(self, slots: Sequence[int]) -> dict[int, str]:
        with self._database.reading() as connection:
            return rows.ids_of_slots(connection, slots)

    @override
    def slots_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        with self._database.reading() as connection:
            namespace = namespaces.get(connection, collection_id)
            if namespace is None:
                return {}
            return rows.slots_of_ids(connection, namespace, face_ids)

    @override
    def clusters_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        with self._database.reading() as connection:
            return clusters.of_faces(connection, collection_id, face_ids)

    @override
    def faces_with_data(self, collection_id: str, face_ids: Sequence[str]) -> set[str]:
        with self._database.reading() as connection:
            return clusters.with_data(connection, collection_id, face_ids)

    @override
    def members_of_clusters(
        self, collection_id: str, numbers: Sequence[int]
    ) -> dict[int, list[str]]:
        with self._database.reading() as connection:
            return clusters.members(connection, collection_id, numbers)

    @override
    def mixed_clusters(self, collection_id: str) -> list[int]:
        with self._database.reading() as connection:
            return clusters.mixed(connection, collection_id)

    @override
    def ignored_clusters(self, collection_id: str) -> set[int]:
        with self._database.reading() as connection:
            return clusters.ignored(connection, collection_id)

    @override
    def list_clusters(
        self,
        collection_id: str,
        *,
        after: tuple[int, int] | None = None,
        limit: int = 100,
        max_faces: int | None = None,
    ) -> list[Cluster]:
        with self._database.reading() as connection:
            numbers = clusters.list_after(connection, collection_id, after, limit, max_faces)
            return clusters.get_many(connection, collection_id, numbers)

    @override
    def get_clusters(self, collection_id: str, numbers: Sequence[int]) -> list[Cluster]:
        with self._database.reading() as connection:
            return clusters.get_many(connection, collection_id, numbers)

    @override
    def read_version(self, collection_id: str) -> str:
        with self._database.reading() as connection:
            return clusters.version(connection, collection_id)

    @override
    def save_clusters(
        self,
        collection_id: str,
        changes: ClusterChanges,
        state: tuple[int, int, int] | None,
        *,
        version: str | None = None,
    ) -> list[int]:
        with self._database.writing() as connection:
            return clusters.save(connection, collection_id, changes, state, version)

    @override
    def leave_clusters(self, collection_id: str, face_ids: Sequence[str]) -> None:
        with self._database.writing() as connection:
            clusters.leave(connection, collection_id, face_ids)

    @override
    def set_ignored(self, collection_id: str, number: int, *, ignored: bool) -> None:
        with self._database.writing() as connection:
            collections.get(connection, collection_id)
            clusters.set_ignored(connection, collection_id, number, is_ignored=ignored)

    @override
    def set_not_faces(
        self, collection_id: str, face_ids: Sequence[str], *, lift: bool
    ) -> tuple[str, ...]:
        with self._database.writing() as connection:
            collections.get(connection, collection_id)
            return clusters.set_not_faces(connection, collection_id, face_ids, lift=lift)

    @override
    def list_not_faces(self, collection_id: str) -> list[str]:
        with self._database.reading() as connection:
            return clusters.not_faces(connection, collection_id)
