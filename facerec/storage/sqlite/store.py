"""The store of faces and of records in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from facerec.core.records import Collection, FaceRecord, Neighbour, StoredFace
from facerec.storage.checks import checked_images, checked_probes
from facerec.storage.scan import Nearest, scan
from facerec.storage.sqlite import collections, faces, namespaces, vectors
from facerec.storage.sqlite.approximate import (
    LARGE,
    ApproximateSearch,
    is_available,
    remove_indexes,
)
from facerec.storage.sqlite.database import Database
from facerec.storage.sqlite.matrices import Matrices
from facerec.storage.sqlite.service_records import ServiceRecords


class SqliteStore(ServiceRecords):
    """A ``FaceStore`` and ``RecordStore`` in one file, for any number of threads and processes.

    The file must lie on a local disk: write-ahead logging does not work over a network
    (https://www.sqlite.org/wal.html).
    """

    def __init__(self, path: Path, *, large: int = LARGE) -> None:
        """Open the store at ``path``, or make it where there is none.

        Args:
            path: of the file.
            large: faces from which on a collection is searched by an index, if faiss is there.

        Raises:
            InvalidInputError: the file is not facerec's, or of a later version.
            StoreUnavailableError: it cannot be opened or made.
        """
        self._database = Database(path)
        self._matrices = Matrices()
        self._approximate = ApproximateSearch(self._database, large) if is_available() else None

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put_images(self, collection_id: str, images: Mapping[str, Sequence[StoredFace]]) -> None:
        """See ``FaceStore``. All images are stored, or none."""
        wanted = checked_images(images)
        with self._database.writing() as connection:
            namespace = namespaces.obtain(connection, collection_id)
            slots: dict[str, int] = {}
            for image_key in images:
                slots |= faces.slots_of_image(connection, namespace, image_key)
            dropped = [slot for face_id, slot in slots.items() if face_id not in wanted]
            faces.delete(connection, dropped)
            vectors.release(connection, namespace, dropped)
            added = [face_id for face_id in wanted if face_id not in slots]
            allocated = vectors.allocate(connection, namespace, len(added))
            slots |= zip(added, allocated, strict=True)
            by_slot = {slots[face_id]: face for face_id, face in wanted.items()}
            vectors.write(
                connection, namespace, {slot: face.embedding for slot, face in by_slot.items()}
            )
            faces.put(connection, namespace, {slot: face.record for slot, face in by_slot.items()})
        if dropped:
            remove_indexes(self._database.path)

    def find_images(
        self, collection_id: str, image_keys: Sequence[str]
    ) -> dict[str, list[FaceRecord]]:
        """See ``FaceStore``."""
        with self._database.reading() as connection:
            namespace = namespaces.find(connection, collection_id)
            if namespace is None:
                return {}
            found = {
                image_key: faces.records_of_image(connection, namespace, image_key)
                for image_key in image_keys
            }
        return {image_key: records for image_key, records in found.items() if records}

    def search(
        self,
        collection_id: str,
        probes: NDArray[np.float32],
        *,
        top: int,
        max_distance: float,
    ) -> list[list[Neighbour]]:
        """See ``FaceStore``; distances are exact.

        So are the neighbours, but in large collections if faiss is there (see ``approximate``).
        """
        checked_probes(probes, top)
        if self._approximate is not None:
            with self._database.reading() as connection:
                found = self._approximate.search(
                    connection, collection_id, probes, top=top, max_distance=max_distance
                )
                if found is not None:
                    return _neighbours(connection, found)
        with self._database.reading() as connection:
            segments = self._matrices.segments(connection, collection_id)
            nearest = scan(segments, probes, top=top, max_distance=max_distance)
            return _neighbours(connection, nearest)

    def get_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """See ``FaceStore``."""
        with self._database.reading() as connection:
            namespace = namespaces.find(connection, collection_id)
            if namespace is None:
                return []
            slots = faces.slots_of_faces(connection, namespace, face_ids).values()
            records = faces.records_of_slots(connection, slots)
            embeddings = vectors.read(connection, slots)
        return [StoredFace(records[slot], embeddings[slot]) for slot in slots]

    def list_faces(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[FaceRecord]:
        """See ``FaceStore``."""
        with self._database.reading() as connection:
            namespace = namespaces.find(connection, collection_id)
            if namespace is None:
                return []
            return faces.records_behind(connection, namespace, after, limit)

    def delete_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[str]:
        """See ``FaceStore``.

        Raises:
            StoreUnavailableError: also when the faces are deleted, but their bytes still stand in
                the log because other processes read all the time; calling again clears it.
        """
        with self._database.writing() as connection:
            namespace = namespaces.find(connection, collection_id)
            slots: dict[str, int] = {}
            if namespace is not None:
                slots = faces.slots_of_faces(connection, namespace, face_ids)
                faces.delete(connection, slots.values())
                vectors.release(connection, namespace, list(slots.values()))
        remove_indexes(self._database.path)
        self._database.clear_log()
        return list(slots)

    def delete_namespace(self, collection_id: str) -> None:
        """See ``FaceStore``; raises as ``delete_faces`` does."""
        with self._database.writing() as connection:
            namespace = namespaces.find(connection, collection_id)
            if namespace is not None:
                faces.delete_all(connection, namespace)
                vectors.delete_all(connection, namespace)
                namespaces.delete(connection, namespace)
        remove_indexes(self._database.path)
        self._database.clear_log()

    def count_faces(self, collection_id: str) -> int:
        """See ``FaceStore``."""
        with self._database.reading() as connection:
            namespace = namespaces.find(connection, collection_id)
            return 0 if namespace is None else faces.count(connection, namespace)

    def create_collection(self, collection: Collection) -> None:
        """See ``RecordStore``."""
        with self._database.writing() as connection:
            collections.create(connection, collection)

    def get_collection(self, collection_id: str) -> Collection:
        """See ``RecordStore``."""
        with self._database.reading() as connection:
            return collections.get(connection, collection_id)

    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        """See ``RecordStore``."""
        with self._database.reading() as connection:
            return collections.list_behind(connection, after, limit)

    def delete_collection(self, collection_id: str) -> None:
        """See ``RecordStore``."""
        with self._database.writing() as connection:
            collections.delete(connection, collection_id)


def _neighbours(
    connection: sqlite3.Connection, nearest: Sequence[Nearest]
) -> list[list[Neighbour]]:
    slots = {int(slot) for of_probe in nearest for slot in of_probe.slots}
    records = faces.records_of_slots(connection, slots)
    return [
        [
            Neighbour(records[int(slot)], float(distance))
            for slot, distance in zip(of_probe.slots, of_probe.distances, strict=True)
        ]
        for of_probe in nearest
    ]
