"""Collections: made, described, listed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facerec.core.records import Collection
from facerec.errors import QuotaExceededError
from facerec.gallery import collections
from facerec.gallery.paging import page_token, read_page_token
from facerec.gallery.service.parts import Parts

MOST_TAGS = 200
"""Tags of one collection, as in Rekognition (``CreateCollection``)."""

_LISTING = "collections"


@dataclass(frozen=True, slots=True)
class DescribedCollection:
    """A collection and how much is in it."""

    collection: Collection
    faces: int
    users: int


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """Some collections, and the token of the page behind them, if any."""

    collections: list[Collection]
    next_token: str | None


def create_collection(
    parts: Parts, collection_id: str, tags: Mapping[str, str] | None = None
) -> Collection:
    """Create a collection for faces of the engine's model version.

    Raises:
        CollectionExistsError: there is one of this name.
        QuotaExceededError: there are too many tags.
    """
    if tags and len(tags) > MOST_TAGS:
        raise QuotaExceededError(f"a collection has at most {MOST_TAGS} tags")
    collection = collections.create_collection(
        collection_id,
        model_version=parts.engine.model_version,
        now=parts.clock(),
        records=parts.records,
    )
    if tags:
        parts.records.change_tags(collection_id, put=tags, most=MOST_TAGS)
    return collection


def describe_collection(parts: Parts, collection_id: str) -> DescribedCollection:
    """Return a collection with its counts.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    return DescribedCollection(
        parts.records.get_collection(collection_id),
        parts.faces.count_faces(collection_id),
        parts.records.count_users(collection_id),
    )


def list_collections(parts: Parts, token: str | None, limit: int) -> CollectionPage:
    """Return a page of collections in the order of their names.

    Raises:
        InvalidPageTokenError: the token is not of this listing, or too old.
    """
    now = parts.clock()
    after = None if token is None else read_page_token(_LISTING, token, now)
    found = parts.records.list_collections(after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit and limit > 0
    return CollectionPage(page, page_token(_LISTING, page[-1].collection_id, now) if more else None)


def delete_collection(parts: Parts, collection_id: str) -> None:
    """Delete a collection with its faces, users and tags.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    parts.records.get_collection(collection_id)
    parts.copies.forget_collection(collection_id)
    collections.delete_collection(collection_id, records=parts.records, faces=parts.faces)
