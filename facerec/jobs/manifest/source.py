"""What a plan says of its manifest.

Apart from what reads manifests: commands that only show jobs need no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineFormat(StrEnum):
    """What the lines of a manifest are."""

    JSONL = "jsonl"
    CSV = "csv"
    URIS = "uris"
    INVENTORY = "inventory"


class SourceKind(StrEnum):
    """How children share a manifest."""

    RANGES = "ranges"
    """Each child reads a range of bytes."""
    STRIPES = "stripes"
    """Each child streams a whole gzip file and processes some of its lines."""
    INVENTORY = "inventory"
    """Each file of an S3 Inventory is shared by stripes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest, pinned to one version by a plan.

    Attributes:
        kind: how children share it.
        uri: the manifest, or an inventory's ``manifest.json``.
        version: version of the object; a child that reads another one fails.
        size: bytes of the object.
        format: format of the lines.
        columns: columns of a CSV or an inventory.
        start: offset of the first byte after a byte order mark and the header of a CSV.
        lines_before: lines before ``start``.
        files: number of files that contain the lines.
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
