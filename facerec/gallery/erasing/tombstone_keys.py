"""The keys of the hashes under which tombstones are stored.

A collection has one key. But a store that was lost may have created a second one before the
tombstones of the first were restored from their copies. These tombstones then keep the first key,
which the store has as an earlier key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore

KEY_BYTES = 32
"""Length of a key in bytes, equal to the length of a SHA-256 hash
(https://www.rfc-editor.org/rfc/rfc2104#section-3)."""

_EARLIER_KEYS = "earlier keys"
"""Name under which a store has earlier keys, as hexadecimal texts; no hash contains a space."""


def texts_under_key(
    collection_id: str, names: Collection[str], key: bytes, *, records: RecordStore
) -> dict[str, frozenset[str]]:
    """Return the result of ``get_texts`` for a collection whose key is known."""
    found, earlier = _under_one_key(collection_id, names, key, records)
    for each in earlier:
        for name, own in _under_one_key(collection_id, names, each, records)[0].items():
            found[name] = own | found.get(name, frozenset())
    return found


def _under_one_key(
    collection_id: str, names: Collection[str], key: bytes, records: RecordStore
) -> tuple[dict[str, frozenset[str]], list[bytes]]:
    """Return the texts of tombstones under a key by names of photos, and the earlier keys."""
    photos = {digest(key, name): name for name in names}
    found = records.get_tombstones(collection_id, [*photos, _EARLIER_KEYS])
    earlier = found.pop(_EARLIER_KEYS, frozenset())
    texts = {photos[photo]: own for photo, own in found.items()}
    return texts, [bytes.fromhex(each) for each in sorted(earlier)]


def keys_of(collection_id: str, *, records: RecordStore) -> list[bytes]:
    """Return the keys of a collection's tombstones, the current one first."""
    key = records.get_tombstone_key(collection_id)
    return [] if key is None else [key, *_under_one_key(collection_id, (), key, records)[1]]


def put_under_key(
    collection_id: str,
    key: bytes,
    places: Mapping[str, Collection[str]],
    *,
    records: RecordStore,
) -> None:
    """Store tombstones that were hashed with a key, even if the store has another key or none.

    Args:
        collection_id: The collection.
        key: The key.
        places: Texts of tombstones by keyed hash.
        records: Store of the tombstones.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    if records.create_tombstone_key(collection_id, key) != key:
        records.put_tombstones(collection_id, {_EARLIER_KEYS: {key.hex()}})
    records.put_tombstones(collection_id, places)


def require_key(collection_id: str, records: RecordStore) -> bytes:
    """Return the key of a collection's tombstones; create it if it had none.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    key = records.get_tombstone_key(collection_id)
    if key is None:
        key = records.create_tombstone_key(collection_id, os.urandom(KEY_BYTES))
    return key


def digest(key: bytes, name: str) -> str:
    """Return the keyed hash under which a photo's tombstones are stored."""
    # Addresses of files may be invalid UTF-8.
    return hmac.new(key, name.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
