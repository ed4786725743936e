"""S3 Inventory: a ``manifest.json`` that names gzip files of CSV.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facerec.core.schemas import check
from facerec.errors import InvalidInputError
from facerec.jobs.manifest.inspection import SAMPLE, Inspection, gzip_start
from facerec.jobs.manifest.source import LineFormat, Source, SourceKind

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
"""Maximum size of a ``manifest.json`` in bytes: enough to name about 10^5 files with 10^10
photos."""


@dataclass(frozen=True, slots=True)
class InventoryFile:
    """A file with rows of an inventory; ``size`` is its compressed size in bytes."""

    uri: str
    size: int


def is_inventory(uri: str, sample: bytes) -> bool:
    """Return whether an object is an inventory's ``manifest.json``."""
    return uri.endswith(".json") and b'"fileSchema"' in sample


def inspect_inventory(objects: ObjectStore, info: ObjectInfo) -> Inspection:
    """Determine the files of an inventory, and approximately how many photos it contains.

    Raises:
        InvalidInputError: The object is not an inventory in CSV with bucket and key, the first file
            of the inventory is damaged, or its manifest is no longer the version of ``info``.
        ObjectNotFoundError: Its first file does not exist.
    """
    document = _document(objects, info.uri, info.version)
    columns = tuple(name.strip() for name in document["fileSchema"].split(","))
    if document.get("fileFormat") != "CSV":
        raise InvalidInputError(
            f"{info.uri} is an inventory in the format {document.get('fileFormat')}, not CSV",
            "configure the S3 Inventory to write CSV",
        )
    if missing := [name for name in ("Bucket", "Key") if name not in columns]:
        raise InvalidInputError(
            f"{info.uri} is an inventory without {' and '.join(missing)}",
            "configure the S3 Inventory with these columns",
        )
    files = inventory_files(objects, info.uri, info.version)
    source = Source(
        SourceKind.INVENTORY,
        info.uri,
        info.version,
        info.size,
        LineFormat.INVENTORY,
        columns,
        files=len(files),
    )
    if not files:
        return Inspection(source, 0, exact=True)
    first = files[0]
    sample = objects.read(first.uri, end=SAMPLE)
    text, times, _ = gzip_start(first.uri, sample, sum(file.size for file in files))
    return Inspection(source, max(1, round(text.count(b"\n") * times)), exact=False)


def source_bucket(objects: ObjectStore, uri: str, version: str) -> str | None:
    """Return the address of the bucket that an inventory lists; None if it does not name one.

    The inventory may list only a part of the bucket; the ``manifest.json`` does not contain its
    prefix.

    Raises:
        ObjectChangedError: The manifest is no longer this version.
        InvalidInputError: The manifest cannot be read.
    """
    bucket = _document(objects, uri, version).get("sourceBucket")
    return f"s3://{bucket}/" if bucket else None


def inventory_files(objects: ObjectStore, uri: str, version: str) -> list[InventoryFile]:
    """Return the files that an inventory's ``manifest.json`` names, in order.

    Raises:
        ObjectChangedError: The manifest is no longer this version.
        InvalidInputError: The manifest cannot be read.
    """
    document = _document(objects, uri, version)
    bucket = document["destinationBucket"].rpartition(":")[2]
    return [
        InventoryFile(f"s3://{bucket}/{file['key']}", file["size"]) for file in document["files"]
    ]


def _document(objects: ObjectStore, uri: str, version: str) -> dict[str, Any]:
    content = objects.read(uri, end=MAX_MANIFEST_BYTES, version=version)
    try:
        document = json.loads(content)
    except ValueError as error:
        raise InvalidInputError(
            f"{uri} is not JSON: {error}", "use the manifest.json of an S3 Inventory"
        ) from error
    check("inventory-manifest", document, uri)
    assert isinstance(document, dict)  # noqa: S101 - the schema says so
    return document
