"""What a store has lately seen or written of images, so that it need not be listed again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

SECONDS_KEPT = 600.0
"""As long as a step of a job may take from asking for its images to storing them."""

IMAGES_KEPT = 100_000
"""The most images that are remembered."""


class ImageMemory:
    """The face ids of images by collection and image key; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[str, str], tuple[float, frozenset[str]]] = OrderedDict()

    def recall(self, collection_id: str, image_keys: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the face ids of those of the images that are remembered."""
        oldest = time.monotonic() - SECONDS_KEPT
        found = {}
        with self._lock:
            for image_key in image_keys:
                since, face_ids = self._images.get((collection_id, image_key), (oldest, None))
                if face_ids is not None and since > oldest:
                    found[image_key] = face_ids
        return found

    def keep(self, collection_id: str, images: Mapping[str, Iterable[str]]) -> None:
        """Remember the face ids of images."""
        now = time.monotonic()
        with self._lock:
            for image_key, face_ids in images.items():
                self._images[collection_id, image_key] = (now, frozenset(face_ids))
                self._images.move_to_end((collection_id, image_key))
            while len(self._images) > IMAGES_KEPT:
                self._images.popitem(last=False)

    def forget(self, collection_id: str, image_keys: Iterable[str]) -> None:
        """Forget images."""
        with self._lock:
            for image_key in image_keys:
                self._images.pop((collection_id, image_key), None)

    def forget_faces(self, collection_id: str, face_ids: Iterable[str]) -> None:
        """Forget the images of faces; an image key is a face id up to its last dash."""
        self.forget(collection_id, {face_id[: face_id.rfind("-") + 1] for face_id in face_ids})

    def forget_collection(self, collection_id: str) -> None:
        """Forget all images of a collection."""
        with self._lock:
            for remembered in [place for place in self._images if place[0] == collection_id]:
                del self._images[remembered]
