"""Reads collections that may not exist, or not any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import CollectionNotFoundError

if TYPE_CHECKING:
    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.records import Collection


def collection_or_none(collection_id: str, records: CollectionRecords) -> Collection | None:
    """Return a collection; None if it does not exist."""
    try:
        return records.get_collection(collection_id)
    except CollectionNotFoundError:
        return None


def still_exists(collection: Collection, records: CollectionRecords) -> bool:
    """Return whether a collection exists; another one with the same id does not count."""
    current = collection_or_none(collection.collection_id, records)
    return current is not None and current.created_at == collection.created_at
