"""The position of a child in its slice of a manifest.

It has its own module so that commands that only read ledgers do not import the code that reads
manifests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position between two lines of a slice.

    Attributes:
        offset: Start of the next line: a byte of the manifest, or a line of a gzip file.
        lines: Number of lines before it in the byte range or the gzip file (without a header).
    """

    offset: int
    lines: int
