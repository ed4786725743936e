"""Outcomes of a manifest line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a manifest line."""

    INDEXED = "INDEXED"
    """The photo's faces are in the collection."""
    ALREADY_INDEXED = "ALREADY_INDEXED"
    """The same photo was indexed before, under the same name and options. Its faces are unchanged,
    apart from their address if the photo was moved."""
    NO_FACE = "NO_FACE"
    """No face was found."""
    ALL_FACES_REJECTED = "ALL_FACES_REJECTED"
    """Faces were found, but all of them were rejected."""
    SKIPPED = "SKIPPED"
    """The line does not name a photo to index, but a video, a sidecar or another such file, a
    folder, or (only in an inventory) an old or deleted version."""
    UNREADABLE = "UNREADABLE"
    """The photo cannot be decoded; the reason is an ``UnreadableReason``."""
    NOT_FOUND = "NOT_FOUND"
    """The photo does not exist."""
    ACCESS_DENIED = "ACCESS_DENIED"
    """Reading the photo is not allowed."""
    ARCHIVED = "ARCHIVED"
    """The photo is in an archive of S3 (Glacier), where it cannot be read."""
    KEY_DENIED = "KEY_DENIED"
    """The photo is encrypted with a KMS key that may not be used."""
    REQUESTER_PAYS = "REQUESTER_PAYS"
    """The photo is in a requester-pays bucket."""
    OTHER_REGION = "OTHER_REGION"
    """The photo is in a bucket outside the region of the job."""
    READ_TIMED_OUT = "READ_TIMED_OUT"
    """The photo could not be read in time, because its file system does not answer."""
    READ_FAILED = "READ_FAILED"
    """The photo could not be read, for example because of a bad sector, while others could."""
    MALFORMED_LINE = "MALFORMED_LINE"
    """The line is invalid: it does not name a photo, or its external image id is invalid."""
    ERASED = "ERASED"
    """The contents of the row were erased, with the photo's faces."""
    REMOVED = "REMOVED"
    """The contents of the row were removed because the photo was replaced or is gone."""


NOT_READ = frozenset(
    (
        Outcome.NOT_FOUND,
        Outcome.ACCESS_DENIED,
        Outcome.ARCHIVED,
        Outcome.KEY_DENIED,
        Outcome.REQUESTER_PAYS,
        Outcome.OTHER_REGION,
        Outcome.READ_TIMED_OUT,
        Outcome.READ_FAILED,
    )
)
"""Outcomes of photos whose content could not be read."""

FAILURES = frozenset((*NOT_READ, Outcome.UNREADABLE, Outcome.MALFORMED_LINE))
"""Outcomes that count against the tolerated percentage of failures."""


@dataclass(frozen=True, slots=True)
class PhotoFailure:
    """The failure of a manifest line that yields no photo.

    Attributes:
        outcome: The outcome of the line.
        detail: One line that explains the failure.
        reason: The name of an ``UnreadableReason`` if the outcome is UNREADABLE.
        uri: Address of the photo; "" if the line does not name one.
    """

    outcome: Outcome
    detail: str
    reason: str | None = None
    uri: str = ""
