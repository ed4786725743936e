"""Copies of tombstones beside the remembered photos of a collection.

They are in ``{jobs_root}remembered@{collection}/{created}/``, and are deleted with the collection.
If a record store is lost, or restored from an older copy, its tombstones are restored from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import stored_json
from facerec.core.tombstone_copies import TombstoneCopy, copy_from_json
from facerec.errors import ReceiptDamagedError
from facerec.jobs.ledger.layout import memory_folder, verified_uri

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.storage.objects.protocol import ObjectStore

_NAME = "tombstones-"


def write_tombstones(
    objects: ObjectStore, jobs_root: str, collection: Collection, copy: TombstoneCopy
) -> None:
    """Write the tombstones of an erasure, and make the next job compare the whole collection."""
    collection_id, created_at = collection.collection_id, collection.created_at
    folder = f"{memory_folder(jobs_root, collection_id)}{created_at!r}/"
    document = json.dumps(copy.to_json()).encode()
    objects.write(f"{folder}{_NAME}{copy.erasure_id}.json", document)
    # A copy of the database from before the erasure may have the recorded version.
    objects.delete(verified_uri(jobs_root, collection_id, created_at))


def replace_tombstones(objects: ObjectStore, uri: str, copy: TombstoneCopy) -> None:
    """Replace a copy of tombstones by one with fewer tombstones; delete it if none is left."""
    if copy.is_empty:
        objects.delete(uri)
    else:
        objects.write(uri, json.dumps(copy.to_json()).encode())


def erasures_with_tombstones(
    objects: ObjectStore, jobs_root: str, collection_id: str
) -> dict[str, str]:
    """Return the addresses of copies of tombstones by the ids of the erasures.

    Copies of earlier creations of the collection are included: a deletion would have removed them,
    so these creations were lost.
    """
    found = {}
    for folder in list(objects.folders(memory_folder(jobs_root, collection_id))):
        for copy in objects.list(f"{folder}{_NAME}"):
            erasure_id, _, suffix = copy.uri.rpartition(_NAME)[2].partition(".")
            if suffix == "json":
                found[erasure_id] = copy.uri
    return found


def latest_key(objects: ObjectStore, jobs_root: str, collection_id: str) -> bytes | None:
    """Return the key of the latest erasure's tombstones; None if there are no copies.

    Raises:
        ReceiptDamagedError: A copy is damaged.
    """
    uris = erasures_with_tombstones(objects, jobs_root, collection_id).values()
    copies = read_tombstones(objects, uris)
    latest = max(copies, key=lambda copy: copy.erased_at, default=None)
    return None if latest is None else latest.key


def read_tombstones(objects: ObjectStore, uris: Iterable[str]) -> Iterator[TombstoneCopy]:
    """Yield the copies of tombstones at these addresses.

    Raises:
        ReceiptDamagedError: A copy is damaged.
    """
    for uri in uris:
        content = objects.read(uri, end=MAX_LEDGER_FILE_BYTES)
        try:
            copy = copy_from_json(stored_json(content, uri))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            erasure_id = uri.rpartition(_NAME)[2].removesuffix(".json")
            raise ReceiptDamagedError(erasure_id, "copy of the tombstones") from error
        yield copy
