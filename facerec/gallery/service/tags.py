"""Tags of collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facerec.gallery.service.collections import MOST_TAGS
from facerec.gallery.service.parts import Parts


def get_tags(parts: Parts, collection_id: str) -> dict[str, str]:
    """Return a collection's tags.

    Raises:
        CollectionNotFoundError: there is no such collection.
    """
    return parts.records.get_tags(collection_id)


def set_tags(parts: Parts, collection_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a collection, over those of the same keys.

    Raises:
        CollectionNotFoundError: there is no such collection.
        QuotaExceededError: there would be more than ``MOST_TAGS``.
    """
    parts.records.change_tags(collection_id, put=tags, most=MOST_TAGS)


def remove_tags(parts: Parts, collection_id: str, keys: Sequence[str]) -> None:
    """Remove tags from a collection; keys that it does not have are fine.

    Raises:
        CollectionNotFoundError: there is no such collection.
    """
    parts.records.change_tags(collection_id, remove=keys, most=MOST_TAGS)
