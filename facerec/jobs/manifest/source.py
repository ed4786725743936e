"""The description of a manifest in a plan.

It has its own module so that commands that only show jobs do not import the code that reads
manifests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineFormat(StrEnum):
    """Format of the lines of a manifest."""

    JSONL = "jsonl"
    CSV = "csv"
    URIS = "uris"
    INVENTORY = "inventory"


class SourceKind(StrEnum):
    """Way in which children share a manifest."""

    RANGES = "ranges"
    """Each child reads a range of bytes."""
    STRIPES = "stripes"
    """Each child streams a whole gzip file and processes some of its lines."""
    INVENTORY = "inventory"
    """The children that share a file of an S3 Inventory process stripes of its lines."""


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest, pinned to one version by a plan.

    Attributes:
        kind: Way in which children share the manifest.
        uri: The manifest, or an inventory's ``manifest.json``.
        version: Version of the object; a child that reads another one fails.
        size: Size of the object in bytes.
        format: Format of the lines.
        columns: Columns of a CSV or an inventory.
        start: Offset of the first byte after a byte order mark and the header of a CSV.
        lines_before: Number of lines before ``start``.
        files: Number of files that contain the lines.
    """

    kind: SourceKind
    uri: str
    version: str
    size: int
    format: LineFormat
    columns: tuple[str, ...] = ()
    start: int = 0
    lines_before: int = 0
    files: int = 1
