"""The protocol of stores of thumbnails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class ThumbnailStore(Protocol):
    """Small JPEG files of stored faces. They are deleted with their face and their collection.

    Each method raises a ``FacerecError``, such as ``StoreUnavailableError``, if the store fails.
    """

    def put_thumbnails(self, collection_id: str, thumbnails: Mapping[str, bytes]) -> None:
        """Store thumbnails by face id; they replace those that the faces had.

        Thumbnails of unknown faces are ignored, so that none is left of a face that is deleted
        concurrently.

        Raises:
            ValueError: A thumbnail has more than ``MAX_THUMBNAIL_BYTES`` bytes.
        """
        ...

    def get_thumbnails(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, bytes]:
        """Return thumbnails by face id; faces without one are omitted."""
        ...

    def has_thumbnail(self, content: bytes) -> bool:
        """Return whether a face of any collection has this thumbnail."""
        ...
