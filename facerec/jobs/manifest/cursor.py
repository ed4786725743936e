"""Where a child is in its slice of a manifest.

Apart from what reads manifests: commands that only read ledgers need no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position between two lines of a slice.

    Attributes:
        offset: start of the next line: a byte of the manifest, or a line of a gzip file.
        lines: number of lines before it in the byte range or the gzip file (without a header).
    """

    offset: int
    lines: int
