"""What a store knows of the faces of images from its own listings and writes.

Listings lag behind writes and cost a request for each image. So what this process wrote itself is
remembered beside what it listed. Remembered ids are only ever added to: an id too many costs at
most the deletion of a face that is gone already, one too few would leave a face behind.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

SECONDS_LISTED = 600.0
"""How long a listing counts: as a step of a job may take from asking for its images to storing
them."""

IMAGES_KEPT = 10_000
"""The most images that are remembered, some hundred bytes each."""


class ImageMemory:
    """The face ids of images by collection and image key; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[str, str], tuple[float, frozenset[str]]] = OrderedDict()

    def add(self, collection_id: str, images: Mapping[str, Iterable[str]], *, listed: bool) -> None:
        """Add face ids to what is known of images.

        Args:
            collection_id: of the images.
            images: face ids by image key.
            listed: these are all that a listing shows now, as opposed to ids that are written.
        """
        never = float("-inf")
        with self._lock:
            for image_key, face_ids in images.items():
                since, known = self._images.pop((collection_id, image_key), (never, frozenset()))
                since = time.monotonic() if listed else since
                self._images[collection_id, image_key] = (since, known.union(face_ids))
            while len(self._images) > IMAGES_KEPT:
                self._images.popitem(last=False)

    def recall(
        self, collection_id: str, image_keys: Iterable[str]
    ) -> tuple[dict[str, frozenset[str]], list[str]]:
        """Return what is known of images, and which of them were not listed lately."""
        oldest = time.monotonic() - SECONDS_LISTED
        nothing = (float("-inf"), frozenset[str]())
        known, unlisted = {}, []
        with self._lock:
            for image_key in image_keys:
                since, known[image_key] = self._images.get((collection_id, image_key), nothing)
                if since < oldest:
                    unlisted.append(image_key)
        return known, unlisted
