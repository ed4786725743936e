"""The store of faces in Pinecone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.core.records import FaceRecord, Neighbour, StoredFace
from facerec.storage.checks import checked_images, checked_probes
from facerec.storage.pinecone.index import FaceIndex
from facerec.storage.pinecone.limits import MATCHES_WITH_METADATA
from facerec.storage.pinecone.listing import ids_behind
from facerec.storage.pinecone.memory import ImageMemory
from facerec.storage.pinecone.metadata import from_metadata


class PineconeStore:
    """A ``FaceStore`` for any number of threads and processes; made by ``open_pinecone_store``.

    Reads lag behind writes, usually by seconds
    (https://docs.pinecone.io/guides/index-data/check-data-freshness), and nothing is a
    transaction: of two writers that store different faces for one image at the same time, the
    faces of both may stay until the image is stored again.
    """

    def __init__(self, index: FaceIndex, new_collection: str | None = None) -> None:
        """Take the index.

        Args:
            index: the index.
            new_collection: a collection that had no faces when the work began for which this store
                is opened. What other work stores in it meanwhile is not looked for: no image of
                it is listed.
        """
        self._index = index
        self._new_collection = new_collection
        self._memory = ImageMemory()

    def __enter__(self) -> PineconeStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End threads and connections."""
        self._index.close()

    def put_images(self, collection_id: str, images: Mapping[str, Sequence[StoredFace]]) -> None:
        """See ``FaceStore``.

        Faces are written first, then those that the images no longer hold are deleted. To know
        these, images are listed, unless this store listed or wrote them in the last minutes:
        ``find_images`` before ``put_images`` costs no second listing.

        Raises:
            StoreUnavailableError: images may hold old faces beside the new ones, or be stored
                only in part where one alone exceeds a request; calling again mends that.
            ValueError: a face is not of its image, is no embedding, or has too long metadata.
        """
        wanted = checked_images(images)
        known, unlisted = self._memory.recall(collection_id, images)
        listed = self._list_images(collection_id, unlisted)
        stored = frozenset[str]().union(*known.values(), *listed.values())
        written = {key: [face.record.face_id for face in faces] for key, faces in images.items()}
        self._memory.add(collection_id, written, listed=False)
        self._index.upsert(collection_id, images)
        self._index.delete(collection_id, sorted(stored - wanted.keys()))

    def find_images(
        self, collection_id: str, image_keys: Sequence[str]
    ) -> dict[str, list[FaceRecord]]:
        """See ``FaceStore``; a request for each image, but one for all if there are no faces."""
        known, _ = self._memory.recall(collection_id, image_keys)
        listed = self._list_images(collection_id, list(known))
        known = {image_key: known[image_key] | listed[image_key] for image_key in known}
        faces = self._index.fetch(
            collection_id, (face_id for face_ids in known.values() for face_id in sorted(face_ids))
        )
        found = {
            image_key: [faces[face_id].record for face_id in sorted(face_ids) if face_id in faces]
            for image_key, face_ids in known.items()
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
        """See ``FaceStore``; distances have the precision of Pinecone's scores."""
        checked_probes(probes, top)
        complete = top <= MATCHES_WITH_METADATA
        answers = self._index.query(collection_id, probes, top, include_metadata=complete)
        near = [_within(matches, max_distance) for matches in answers]
        if complete:
            records = {
                match.id: from_metadata(match.id, match.metadata)
                for matches in near
                for _, match in matches
            }
        else:
            ids = {match.id for matches in near for _, match in matches}
            faces = self._index.fetch(collection_id, sorted(ids))
            records = {face_id: face.record for face_id, face in faces.items()}
        return [
            [
                Neighbour(records[match.id], distance)
                for distance, match in matches
                if match.id in records
            ]
            for matches in near
        ]

    def get_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """See ``FaceStore``."""
        wanted = dict.fromkeys(face_ids)
        faces = self._index.fetch(collection_id, wanted)
        return [faces[face_id] for face_id in wanted if face_id in faces]

    def list_faces(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[FaceRecord]:
        """See ``FaceStore``; about a request for each 50 faces."""
        ids = ids_behind(
            lambda prefix: self._index.list_ids(collection_id, prefix),
            after,
            lambda: self._index.count(collection_id),
        )
        records: list[FaceRecord] = []
        # faces deleted meanwhile must not make a page look like the last one
        while missing := list(islice(ids, limit - len(records))):
            faces = self._index.fetch(collection_id, missing)
            records += [faces[face_id].record for face_id in missing if face_id in faces]
        return records

    def delete_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[str]:
        """See ``FaceStore``; faces too new to be seen are deleted, but not named."""
        wanted = dict.fromkeys(face_ids)
        stored = self._index.fetch(collection_id, wanted)
        self._index.delete(collection_id, wanted)
        return [face_id for face_id in wanted if face_id in stored]

    def delete_namespace(self, collection_id: str) -> None:
        """See ``FaceStore``."""
        self._index.delete_namespace(collection_id)

    def count_faces(self, collection_id: str) -> int:
        """See ``FaceStore``; the count lags behind writes."""
        return self._index.count(collection_id)

    def _list_images(
        self, collection_id: str, image_keys: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        """Return the ids of each image's faces as listed now, and remember them."""
        # What no listing of the namespace shows, no listing of a part of it does.
        is_new = collection_id == self._new_collection
        if is_new or (len(image_keys) > 1 and self._index.is_empty(collection_id)):
            listed = dict.fromkeys(image_keys, frozenset[str]())
        else:
            listed = self._index.ids_of_images(collection_id, image_keys)
        self._memory.add(collection_id, listed, listed=True)
        return listed


def _within(matches: list[Any], max_distance: float) -> list[tuple[float, Any]]:
    """Return matches with their distances, once each, the nearest first, equally near by id."""
    # rounding makes the score of an equal embedding negative at times
    distances = {match.id: float(np.sqrt(max(0.0, match.score))) for match in matches}
    unique = {match.id: match for match in matches}
    near = [
        (distance, unique[face_id])
        for face_id, distance in distances.items()
        if distance <= max_distance
    ]
    return sorted(near, key=lambda found: (found[0], found[1].id))
