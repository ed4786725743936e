"""Loads the photos that manifest lines name."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.ids import image_id
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.errors import (
    AccessDeniedError,
    KeyDeniedError,
    ObjectArchivedError,
    ObjectNotFoundError,
    OtherRegionError,
    ReadFailedError,
    ReadTimedOutError,
    RequesterPaysError,
)
from facerec.jobs.outcomes import Outcome, PhotoFailure
from facerec.jobs.versions import settled_version, version_of_line

if TYPE_CHECKING:
    from facerec.jobs.manifest.cursor import Cursor
    from facerec.jobs.manifest.entries import LineParser, ManifestEntry
    from facerec.jobs.manifest.slices import ManifestLine
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

COMMON_PHOTO_BYTES = 8 * 1024 * 1024
"""Maximum size of photos that are read concurrently; larger ones are read one at a time, to limit
memory."""


MAX_FAILED_READS = 20
"""Maximum number of consecutive photos that could not be read, each for its own reason. After one
more, the whole store counts as unavailable."""


@dataclass(frozen=True, slots=True)
class LoadedPhoto:
    """The photo that a manifest line names, or the reason why it could not be loaded.

    Attributes:
        end: The cursor after the line.
        uri: Address of the photo; "" if the line does not name one.
        external_image_id: The caller's own name for the photo.
        content: The bytes of the photo, or the failure.
        image_id: Id derived from the bytes; None after a failure.
        version: Version of the bytes, or of a malformed line (see ``jobs.versions``); None if
            unknown.
        milliseconds: Duration of the read.
    """

    end: Cursor
    uri: str
    external_image_id: str | None
    content: bytes | PhotoFailure
    image_id: str | None
    version: str | None
    milliseconds: float

    @property
    def size(self) -> int:
        """Number of bytes that were read."""
        return len(self.content) if isinstance(self.content, bytes) else 0


class PhotoLoader:
    """Parses manifest lines and loads their photos; safe for use from any number of threads."""

    def __init__(self, parser: LineParser, objects: ObjectStore) -> None:
        self._parser = parser
        self._objects = objects
        self._large = threading.Lock()
        self._counting = threading.Lock()
        self._failed_reads = 0

    def load(self, line: ManifestLine) -> LoadedPhoto | None:
        """Load the photo of a line; return None for a blank line. Failures are results, not errors.

        Raises:
            StoreUnavailableError: The photo could not be read, for a reason unrelated to it, or
                more than ``MAX_FAILED_READS`` consecutive photos could not be read.
        """
        entry = self._parser.parse(line.content)
        if entry is None:
            return None
        if isinstance(entry, PhotoFailure):
            version = None
            if entry.outcome is Outcome.MALFORMED_LINE:
                version = version_of_line(self._parser.named_again(line.content))
            return LoadedPhoto(line.end, entry.uri, None, entry, None, version, 0.0)
        started = time.perf_counter()
        content, version = self._read(entry)
        content_id = image_id(content) if isinstance(content, bytes) else None
        elapsed = 1000 * (time.perf_counter() - started)
        return LoadedPhoto(
            line.end, entry.uri, entry.external_image_id, content, content_id, version, elapsed
        )

    def _read(self, entry: ManifestEntry) -> tuple[bytes | PhotoFailure, str | None]:
        """Return the content of a photo, or the failure, and the version that was read."""

        def fetch(max_bytes: int) -> tuple[bytes, ObjectInfo]:
            return self._objects.fetch(entry.uri, end=max_bytes + 1, version_id=entry.version_id)

        started = time.time_ns()
        try:
            content, info = fetch(COMMON_PHOTO_BYTES)
            if len(content) > COMMON_PHOTO_BYTES:
                with self._large:
                    started = time.time_ns()
                    content, info = fetch(MAX_PHOTO_BYTES)
        except ReadFailedError as error:
            with self._counting:
                self._failed_reads += 1
                if self._failed_reads > MAX_FAILED_READS:
                    raise
            return PhotoFailure(Outcome.READ_FAILED, error.reason), None
        except (ObjectNotFoundError, AccessDeniedError, ReadTimedOutError) as error:
            return _failure(error), None
        with self._counting:
            self._failed_reads = 0
        version = settled_version(info, started, entry.version_id)
        if len(content) > MAX_PHOTO_BYTES:
            large = f"more than {MAX_PHOTO_BYTES // 1024**2} MiB"
            return PhotoFailure(Outcome.UNREADABLE, large, "TOO_LARGE"), version
        return content, version


def _failure(error: ObjectNotFoundError | AccessDeniedError | ReadTimedOutError) -> PhotoFailure:
    """Return the failure of a photo that could not be read."""
    match error:
        case ObjectNotFoundError():
            return PhotoFailure(Outcome.NOT_FOUND, "does not exist, or is not a regular file")
        case ReadTimedOutError():
            detail = f"its file system did not answer in {error.seconds:g} seconds"
            return PhotoFailure(Outcome.READ_TIMED_OUT, detail)
        case ObjectArchivedError():
            return PhotoFailure(Outcome.ARCHIVED, "archived in S3: restore the object first")
        case KeyDeniedError():
            return PhotoFailure(Outcome.KEY_DENIED, "its KMS key may not be used")
        case RequesterPaysError():
            detail = "in a requester-pays bucket, from which facerec does not read: copy it first"
            return PhotoFailure(Outcome.REQUESTER_PAYS, detail)
        case OtherRegionError():
            return PhotoFailure(Outcome.OTHER_REGION, "in a bucket of another region")
        case AccessDeniedError():
            return PhotoFailure(Outcome.ACCESS_DENIED, "access denied")
