"""Limits on the cost of decoding a photo: processor time, memory, and the parts of a file.

Pixels are limited by ``FaceOptions.max_pixels``. The other limits are defined here. If the header
shows the cost, the limit is checked before decoding; otherwise decoding is stopped while it runs
(``TimedFile``, ``facerec.engine.decode.isolation``).
"""

from __future__ import annotations

import time
from io import BytesIO

from facerec.core.photos import UnreadablePhoto, UnreadableReason

MAX_SECONDS = 20
"""Maximum processor time for decoding a photo, in seconds. The slowest photos within the pixel
limit take about 6 seconds (``tests/unit/engine/test_decode_costs.py``)."""

MAX_MEMORY = 1024**3
"""Maximum memory in bytes that a decoder in a separate process allocates for a photo, including its
file."""

MAX_PIXEL_PASSES = 5_000_000_000
"""Maximum number of pixels of a JPEG times its scans: for each scan, even an empty one of 100
bytes, libjpeg passes over the whole photo. libjpeg-turbo leaves that limit to its callers
(https://libjpeg-turbo.org/pmwiki/uploads/About/TwoIssueswiththeJPEGStandard.pdf). At the limit the
passes take about a second; a photo of 100 megapixels may have 50 scans, and cameras write 10."""

MAX_BLOCKS = 10_000
"""Maximum number of segments, metadata chunks or extension blocks of a file: a photo has fewer than
100, and one with a large colour profile or XMP packet fewer than 2,000."""

MAX_JUNK = 1_000_000
"""Maximum number of bytes between the segments of a JPEG, which Pillow skips one at a time."""


class LimitExceededError(Exception):
    """Decoding a photo would exceed a limit.

    Attributes:
        unreadable: The outcome of the photo.
    """

    def __init__(self, reason: UnreadableReason, detail: str) -> None:
        super().__init__(detail)
        self.unreadable = UnreadablePhoto(reason, detail)


def too_costly(detail: str) -> LimitExceededError:
    """Return the error for a file that would take too long, or too much memory, to decode."""
    return LimitExceededError(UnreadableReason.TOO_LARGE, detail)


TIMED_OUT = UnreadablePhoto(
    UnreadableReason.TIMED_OUT, f"decoding takes more than {MAX_SECONDS} processor seconds"
)


def end_of_time() -> float:
    """Return the thread's processor time at which decoding that starts now must stop."""
    return time.thread_time() + MAX_SECONDS


class TimedFile(BytesIO):
    """The bytes of a photo, which can be read until the thread has used some processor time.

    Pillow reads a file block by block while it decodes, so the limit can stop a decoder between two
    blocks. It cannot stop a single call that decodes everything; such formats are decoded in a
    separate process.
    """

    def __init__(self, content: bytes, end: float) -> None:
        """Create the file.

        Args:
            content: The bytes of the photo.
            end: The thread's processor time at which the limit is exceeded (see ``end_of_time``).
        """
        super().__init__(content)
        self._end = end

    def read(self, size: int | None = -1, /) -> bytes:
        """Read bytes as from any file.

        Raises:
            LimitExceededError: The time limit is exceeded.
        """
        if time.thread_time() > self._end:
            raise LimitExceededError(TIMED_OUT.reason, TIMED_OUT.detail)
        return super().read(size)
