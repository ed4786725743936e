"""Reading the photos that a manifest names."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from facerec.core.ids import image_id
from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.jobs.ledger.rows import Outcome
from facerec.jobs.manifest.entries import MalformedLine, ManifestEntry, SkippedLine
from facerec.jobs.manifest.slices import SliceLine
from facerec.storage.objects.protocol import ObjectStore

LARGEST_PHOTO = 64 * 1024 * 1024
"""Bytes of a photo; Rekognition takes 15 MiB from S3
(https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""

COMMON_PHOTO = 8 * 1024 * 1024
"""Bytes up to which photos are read several at once; larger ones are read one at a time, so that
memory stays bounded."""


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """A manifest line, and what it names."""

    line: SliceLine
    named: ManifestEntry | MalformedLine | SkippedLine


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is nothing to look at.

    Attributes:
        outcome: what the manifest line ends in.
        detail: one line for a person.
        reason: the name of an ``UnreadableReason`` where the outcome has one.
    """

    outcome: Outcome
    detail: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """A manifest line with the photo's bytes, or with why there are none.

    Attributes:
        line: the manifest line.
        image: the photo's address, "" where the line names none.
        external_image_id: the caller's own name for it.
        content: the photo's bytes, or what is wrong.
        image_id: made from the bytes; None where there are none.
        milliseconds: that the reading took.
    """

    line: SliceLine
    image: str
    external_image_id: str | None
    content: bytes | Problem
    image_id: str | None
    milliseconds: float

    @property
    def size(self) -> int:
        """Bytes that were read."""
        return len(self.content) if isinstance(self.content, bytes) else 0


class PhotoReader:
    """Reads photos, from any number of threads."""

    def __init__(self, objects: ObjectStore) -> None:
        """Take where the photos are."""
        self._objects = objects
        self._large = threading.Lock()

    def read(self, photo: NamedPhoto) -> ReadPhoto:
        """Read a photo; what is wrong with it is an outcome.

        Raises:
            StoreUnavailableError: the store is, which says nothing about the photo.
        """
        line, named = photo.line, photo.named
        if isinstance(named, MalformedLine):
            malformed = Problem(Outcome.MALFORMED_LINE, named.detail)
            return ReadPhoto(line, "", None, malformed, None, 0.0)
        if isinstance(named, SkippedLine):
            skipped = Problem(Outcome.SKIPPED, named.detail)
            return ReadPhoto(line, named.image, None, skipped, None, 0.0)
        started = time.perf_counter()
        content = self._content(named)
        content_id = image_id(content) if isinstance(content, bytes) else None
        took = 1000 * (time.perf_counter() - started)
        return ReadPhoto(line, named.image, named.external_image_id, content, content_id, took)

    def _content(self, entry: ManifestEntry) -> bytes | Problem:
        def read(most: int) -> bytes:
            return self._objects.read(entry.image, end=most + 1, version_id=entry.version_id)

        try:
            content = read(COMMON_PHOTO)
            if len(content) > COMMON_PHOTO:
                with self._large:
                    content = read(LARGEST_PHOTO)
        except ObjectNotFoundError:
            return Problem(Outcome.NOT_FOUND, "does not exist, or is no regular file")
        except AccessDeniedError:
            return Problem(Outcome.ACCESS_DENIED, "may not be read")
        if len(content) > LARGEST_PHOTO:
            large = f"more than {LARGEST_PHOTO // 1024**2} MiB"
            return Problem(Outcome.UNREADABLE, large, "TOO_LARGE")
        return content
