"""Parses manifest lines into the photos that they name."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from facerec.core.counts import count
from facerec.core.names import checked_external_image_id
from facerec.core.schemas import violation
from facerec.errors import InvalidInputError
from facerec.jobs.manifest.companions import describe_companion
from facerec.jobs.manifest.lines import MAX_LINE_BYTES
from facerec.jobs.manifest.source import LineFormat
from facerec.jobs.outcomes import Outcome, PhotoFailure
from facerec.storage.objects.protocol import scheme_of

_NAMES = ("image", "external_image_id", "version_id")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A photo that a manifest names.

    Attributes:
        uri: A path or an ``s3://`` address.
        external_image_id: The caller's own name for it: 1 to 255 characters, each a letter or digit
            of ASCII or one of ``_.-:``. None without a name.
        version_id: The version of the S3 object, or None for the newest.
        etag: ETag of the newest version if an inventory states it; otherwise "".
    """

    uri: str
    external_image_id: str | None = None
    version_id: str | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class LineParser:
    """Parses the lines of one manifest.

    Attributes:
        format: The format of the lines.
        columns: The columns of a CSV or an inventory.
        base: The folder of relative paths, with its final ``/``; None rejects relative paths.
        local: Whether paths of this machine are allowed.
    """

    format: LineFormat
    columns: Sequence[str]
    base: str | None
    local: bool

    def parse(self, content: bytes | None) -> ManifestEntry | PhotoFailure | None:
        """Return the photo that a line names, or the failure of the line; None for a blank line.

        Args:
            content: The bytes of the line; None if it is longer than ``MAX_LINE_BYTES``.
        """
        if content is None:
            return _malformed(f"longer than {MAX_LINE_BYTES} bytes")
        try:
            text = content.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            return _malformed(f"not UTF-8 at byte {error.start + 1}")
        if not text:
            return None
        if self.format is LineFormat.INVENTORY:
            return _without_companions(self._inventory_row(text))
        named = self._names(text)
        if isinstance(named, PhotoFailure):
            return named
        wrong = (
            _wrong_name(named.get("external_image_id"))
            or violation("manifest-line", named)
            or _half_character(named)
        )
        if wrong:
            return _malformed(wrong[:500], self._photo_of(named))
        entry = ManifestEntry(
            named["image"], named.get("external_image_id"), named.get("version_id")
        )
        return _without_companions(self._located(entry))

    def named_again(self, content: bytes | None) -> bytes:
        """Convert a malformed line into a line of JSON that is malformed for the same reason.

        If nothing in the line can be read, it is returned unchanged. A line that is too long is
        returned as other text that is too long.
        """
        if content is None:
            return b"." * (MAX_LINE_BYTES + 1)
        try:
            names = self._names(content.decode("utf-8").strip())
        except UnicodeDecodeError:
            return content
        return content if isinstance(names, PhotoFailure) else json.dumps(names).encode()

    def _names(self, text: str) -> dict[str, str] | PhotoFailure:
        if self.format is LineFormat.JSONL:
            return _json_object(text)
        if self.format is LineFormat.URIS:
            return {"image": text}
        row = self._row(text)
        if isinstance(row, PhotoFailure):
            return row
        named = {name: field.strip() for name, field in row.items()}
        return {name: named[name] for name in _NAMES if named.get(name)}

    def _row(self, text: str) -> dict[str, str] | PhotoFailure:
        try:
            (fields,) = csv.reader([text], strict=True)
        except csv.Error as error:
            return _malformed(f"not a CSV row: {error}")
        if len(fields) != len(self.columns):
            given = count(len(fields), "field")
            return _malformed(f"{given}, but the header has {len(self.columns)}")
        return dict(zip(self.columns, fields, strict=True))

    def _inventory_row(self, text: str) -> ManifestEntry | PhotoFailure:
        row = self._row(text)
        if isinstance(row, PhotoFailure):
            return row
        # "The object key name is URL-encoded":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
        uri = f"s3://{row['Bucket']}/{unquote_plus(row['Key'])}"
        if row.get("IsLatest", "true").lower() == "false":
            return _skipped(uri, "not the newest version")
        if row.get("IsDeleteMarker", "false").lower() == "true":
            return _skipped(uri, "deleted")
        if uri.endswith("/"):
            return _skipped(uri, "a folder")
        # The newest version of the photo is read: the listed one may have been replaced or deleted.
        return ManifestEntry(uri, etag=row.get("ETag", "").strip('"'))

    def _photo_of(self, named: Mapping[str, object]) -> str:
        """Return the address of the photo that a malformed line names, or ""."""
        uri = {name: value for name, value in named.items() if name == "image"}
        if violation("manifest-line", uri) or _half_character(uri):
            return ""
        return self._located(ManifestEntry(str(uri["image"]))).uri

    def _located(self, entry: ManifestEntry) -> ManifestEntry | PhotoFailure:
        """Return the entry with the full address of its photo."""
        uri, scheme = entry.uri, scheme_of(entry.uri)
        if scheme == "s3":
            return entry
        if scheme != "file" or uri.lower().startswith("file://"):
            return _malformed("neither an s3:// address nor a path")
        if not uri.startswith("/"):
            if self.base is None:
                return _malformed("a relative path, but the manifest is not in a folder")
            uri = self.base + uri
        if scheme_of(uri) == "file":
            if not self.local:
                return _malformed("a local path, which this job cannot read")
            if entry.version_id is not None:
                return _malformed("version_id: files have no versions")
        return ManifestEntry(uri, entry.external_image_id, entry.version_id)


def _without_companions(entry: ManifestEntry | PhotoFailure) -> ManifestEntry | PhotoFailure:
    """Return an entry, or a SKIPPED failure for a file whose name shows that it is not a photo."""
    if isinstance(entry, ManifestEntry):
        companion = describe_companion(entry.uri)
        if companion:
            return _skipped(entry.uri, companion)
    return entry


def _wrong_name(name: object) -> str | None:
    """Return the usual error message for an invalid external image id; None for a valid one."""
    if isinstance(name, str):
        try:
            checked_external_image_id(name)
        except InvalidInputError as error:
            return f"{error.message}; {error.hint}"
    return None


def _half_character(named: Mapping[str, object]) -> str | None:
    """Return the error message for a name with half of a UTF-16 pair; None for valid names.

    JSON can express halves of UTF-16 pairs, which no store can keep. In paths of this machine, some
    halves represent bytes of file names that are not UTF-8 (PEP 383).
    """
    for name in _NAMES:
        text = named.get(name)
        if isinstance(text, str) and not text.isascii():
            is_path = name == "image" and scheme_of(text) == "file"
            errors = "surrogateescape" if is_path else "strict"
            try:
                kept = text.encode("utf-8", errors).decode("utf-8", errors)
            except UnicodeEncodeError:
                kept = None
            if kept != text:
                return f"{name} must be valid Unicode, without halves of characters"
    return None


def _malformed(detail: str, uri: str = "") -> PhotoFailure:
    return PhotoFailure(Outcome.MALFORMED_LINE, detail, uri=uri)


def _skipped(uri: str, detail: str) -> PhotoFailure:
    return PhotoFailure(Outcome.SKIPPED, detail, uri=uri)


def _json_object(text: str) -> dict[str, str] | PhotoFailure:
    try:
        named = json.loads(text)
    except json.JSONDecodeError as error:
        # Some messages of Python end in "at".
        problem = error.msg.removesuffix(" at")
        return _malformed(f"not JSON: {problem} at column {error.colno}")
    except RecursionError:
        return _malformed("not JSON: nested too deeply")
    except ValueError:
        # Python reads numbers of at most 4,300 digits; its error message is meant for programmers.
        return _malformed("not JSON that can be read: a number has too many digits")
    if not isinstance(named, dict):
        return _malformed("not a JSON object")
    return {name: value for name, value in named.items() if value is not None}
