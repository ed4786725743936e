"""The photos of requests: sent along, or named by bucket and key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from facerec.errors import PhotoTooLargeError
from facerec.storage.objects.protocol import ObjectStore

LARGEST_OBJECT = 50 * 1024 * 1024
"""Bytes of a photo that is named by bucket and key (Rekognition: 15 MB)."""


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo whose bytes came with the request."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """A photo in a bucket, in its newest version or in the one that is named."""

    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The photo's ``s3://`` address."""
        return f"s3://{self.bucket}/{self.key}"


Photo: TypeAlias = SentPhoto | NamedPhoto


def read_photo(photos: ObjectStore, uri: str, version: str | None = None) -> bytes:
    """Return the bytes of a photo in a bucket.

    Raises:
        PhotoTooLargeError: it has more than ``LARGEST_OBJECT`` bytes.
        AccessDeniedError: it may not be read.
        ObjectNotFoundError: there is none.
        StoreUnavailableError: it cannot be read for now.
    """
    content = photos.read(uri, end=LARGEST_OBJECT + 1, version_id=version)
    if len(content) > LARGEST_OBJECT:
        raise PhotoTooLargeError(
            f"{uri} has more than {LARGEST_OBJECT // 1024**2} MB", "use a smaller copy"
        )
    return content
