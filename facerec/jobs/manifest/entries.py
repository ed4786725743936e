"""Manifest lines into photos."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_plus

from facerec.core.schemas import violation
from facerec.jobs.manifest.lines import LONGEST_LINE
from facerec.storage.objects.protocol import scheme_of

LONGEST_ID = 255
_FORBIDDEN_IN_ID = re.compile(r"[^a-zA-Z0-9_.\-:]")
_NAMES = ("image", "external_image_id", "version_id")


class LineFormat(StrEnum):
    """What the lines of a manifest are."""

    JSONL = "jsonl"
    CSV = "csv"
    URIS = "uris"
    INVENTORY = "inventory"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A photo that a manifest names.

    Attributes:
        image: where it is: a path or an ``s3://`` address.
        external_image_id: the caller's own name for it: 1 to 255 of ``[a-zA-Z0-9_.-:]``, or None.
        version_id: the version of the S3 object, or None for the newest.
    """

    image: str
    external_image_id: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line that names no photo, and why."""

    detail: str


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line that names something that is not to be indexed, and why."""

    image: str
    detail: str


@dataclass(frozen=True, slots=True)
class LineParser:
    """Reads the lines of one manifest.

    Attributes:
        format: what the lines are.
        columns: the names of the columns of a CSV or an inventory.
        base: what relative paths are relative to, with its final ``/``; None refuses them.
        local: whether paths of this machine are allowed.
    """

    format: LineFormat
    columns: Sequence[str]
    base: str | None
    local: bool

    def parse(self, content: bytes | None) -> ManifestEntry | MalformedLine | SkippedLine | None:
        """Read one line; a blank one is None."""
        if content is None:
            return MalformedLine(f"longer than {LONGEST_LINE} bytes")
        try:
            text = content.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            return MalformedLine(f"not UTF-8 at byte {error.start + 1}")
        if not text:
            return None
        if self.format is LineFormat.INVENTORY:
            return self._inventory_row(text)
        named = self._names(text)
        if isinstance(named, MalformedLine):
            return named
        wrong = violation("manifest-line", named)
        if wrong:
            return MalformedLine(wrong[:500])
        return self._located(
            ManifestEntry(named["image"], named.get("external_image_id"), named.get("version_id"))
        )

    def _names(self, text: str) -> dict[str, str] | MalformedLine:
        if self.format is LineFormat.JSONL:
            return _json_object(text)
        if self.format is LineFormat.URIS:
            return {"image": text}
        row = self._row(text)
        if isinstance(row, MalformedLine):
            return row
        named = {name: field.strip() for name, field in row.items()}
        return {name: named[name] for name in _NAMES if named.get(name)}

    def _row(self, text: str) -> dict[str, str] | MalformedLine:
        try:
            (fields,) = csv.reader([text], strict=True)
        except csv.Error as error:
            return MalformedLine(f"not a CSV row: {error}")
        if len(fields) != len(self.columns):
            return MalformedLine(f"{len(fields)} fields under a header of {len(self.columns)}")
        return dict(zip(self.columns, fields, strict=True))

    def _inventory_row(self, text: str) -> ManifestEntry | MalformedLine | SkippedLine:
        row = self._row(text)
        if isinstance(row, MalformedLine):
            return row
        # "The object key name is URL-encoded":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
        image = f"s3://{row['Bucket']}/{unquote_plus(row['Key'])}"
        if row.get("IsLatest", "true").lower() == "false":
            return SkippedLine(image, "not the newest version")
        if row.get("IsDeleteMarker", "false").lower() == "true":
            return SkippedLine(image, "deleted")
        if image.endswith("/"):
            return SkippedLine(image, "a folder")
        return ManifestEntry(image, None, row.get("VersionId") or None)

    def _located(self, entry: ManifestEntry) -> ManifestEntry | MalformedLine:
        """Return the entry with the full address of its photo."""
        image, scheme = entry.image, scheme_of(entry.image)
        if scheme == "s3":
            return entry
        if scheme != "file" or image.lower().startswith("file://"):
            return MalformedLine("the address is neither s3:// nor a path")
        if not image.startswith("/"):
            if self.base is None:
                return MalformedLine("a relative path, and nothing that it is relative to")
            image = self.base + image
        if scheme_of(image) == "file":
            if not self.local:
                return MalformedLine("a path of this machine in a job that runs elsewhere")
            if entry.version_id is not None:
                return MalformedLine("version_id: files have no versions")
        return ManifestEntry(image, entry.external_image_id, entry.version_id)


def _json_object(text: str) -> dict[str, str] | MalformedLine:
    try:
        named = json.loads(text)
    except json.JSONDecodeError as error:
        return MalformedLine(f"not JSON: {error.msg} at column {error.colno}")
    except RecursionError:
        return MalformedLine("not JSON: nested too deeply")
    except ValueError as error:
        # A number of too many digits, for one.
        return MalformedLine(f"not JSON: {error}")
    if not isinstance(named, dict):
        return MalformedLine("not a JSON object")
    return {name: value for name, value in named.items() if value is not None}


def external_id_of(path: str) -> str:
    """Return the external image id of a photo in a folder, from its path in that folder.

    A ``/`` becomes ``:`` and what else an id may not hold becomes ``_``; of a long path the last
    255 characters remain. So ``Ann_Lee/1.jpg`` gives ``Ann_Lee:1.jpg``.
    """
    return _FORBIDDEN_IN_ID.sub("_", path.replace("/", ":"))[-LONGEST_ID:]
