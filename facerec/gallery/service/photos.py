"""The photos of requests: sent along, or named by bucket and key."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from facerec.errors import AccessDeniedError, InvalidInputError, ObjectNotFoundError
from facerec.stores.objects import ObjectStore

LARGEST_OBJECT = 50 * 1024 * 1024
"""Bytes of a photo that is named by bucket and key (Rekognition: 15 MB)."""


class PhotoTooLargeError(InvalidInputError):
    """A photo has more bytes, or more pixels, than can be worked on."""


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


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that photos may be read from.

    Attributes:
        objects: reads ``s3://`` addresses and paths.
        folders: local folders that stand in for buckets, by the bucket's name.
        allowed: names of buckets in S3; None: whatever the credentials allow.
    """

    objects: ObjectStore
    folders: Mapping[str, Path] = field(default_factory=dict)
    allowed: Set[str] | None = None

    def read(self, photo: NamedPhoto) -> bytes:
        """Return the bytes of a photo.

        Raises:
            AccessDeniedError: its bucket is not allowed, or the key leaves its folder.
            ObjectNotFoundError: there is none.
            PhotoTooLargeError: it has more than ``LARGEST_OBJECT`` bytes.
            StoreUnavailableError: it cannot be read for now.
        """
        uri = self._place(photo)
        content = self.objects.read(uri, end=LARGEST_OBJECT + 1, version_id=photo.version)
        if len(content) > LARGEST_OBJECT:
            raise PhotoTooLargeError(
                f"{photo.uri} has more than {LARGEST_OBJECT // 1024**2} MB", "use a smaller copy"
            )
        return content

    def read_address(self, address: str) -> bytes:
        """Return the bytes of the photo at an ``s3://`` address, as ``read`` does."""
        bucket, slash, key = address.removeprefix("s3://").partition("/")
        if not address.startswith("s3://") or not slash or not key:
            raise ObjectNotFoundError(address)
        return self.read(NamedPhoto(bucket, key))

    def _place(self, photo: NamedPhoto) -> str:
        folder = self.folders.get(photo.bucket)
        if folder is None:
            if self.allowed is not None and photo.bucket not in self.allowed:
                raise AccessDeniedError(photo.uri)
            return photo.uri
        try:
            top = folder.resolve()
            path = (top / photo.key).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            # a zero byte, or links that go in circles
            raise ObjectNotFoundError(photo.uri) from error
        if not path.is_relative_to(top):
            raise AccessDeniedError(photo.uri)
        return str(path)
