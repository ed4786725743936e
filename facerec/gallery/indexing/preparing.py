"""Prepares collections for new faces. Imports no numpy, so that the plan function can use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.names import checked_collection_id, checked_new_id
from facerec.core.records import Collection, new_collection
from facerec.errors import CollectionExistsError, CollectionNotFoundError, ModelMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facerec.core.protocols.records import RecordStore


@dataclass(frozen=True, slots=True)
class PreparedCollection:
    """A collection that is ready for a job.

    Attributes:
        collection: The collection. ``created_at`` distinguishes it from others with the same id.
        created: Whether this call created it, so that it contains no other faces.
    """

    collection: Collection
    created: bool


def require_collection(
    collection_id: str, *, model_versions: Sequence[str], records: RecordStore
) -> Collection:
    """Return a collection whose faces have one of these model versions.

    Raises:
        InvalidInputError: The id is not a valid collection id.
        CollectionNotFoundError: The collection does not exist.
        ModelMismatchError: The collection has another model version.
    """
    collection = records.get_collection(checked_collection_id(collection_id))
    if collection.model_version not in model_versions:
        raise ModelMismatchError(model_versions[0], collection.model_version)
    return collection


def store_new_collection(
    collection_id: str,
    *,
    model_version: str,
    now: float,
    records: RecordStore,
    tags: Mapping[str, str] | None = None,
) -> Collection:
    """Create an empty collection for faces of one model version.

    Raises:
        InvalidInputError: The id is not a valid collection id.
        CollectionExistsError: A collection of this id exists.
    """
    checked_new_id(checked_collection_id(collection_id))
    collection = new_collection(collection_id, model_version, now)
    records.create_collection(collection, tags=tags)
    return collection


def prepare_collection(
    collection_id: str,
    *,
    model_versions: Sequence[str],
    create: bool,
    now: float,
    records: RecordStore,
) -> PreparedCollection:
    """Return a collection that a job can index into; create it first if requested.

    Guarantees for the returned collection:

    - It exists, and its model version is one of ``model_versions``.
    - If several callers with ``create`` run concurrently, one creates it, and all get the same
      collection.
    - Its ``created_at`` identifies this creation: once the collection is deleted, a later one with
      the same id has a different value. A plan that was made for another ``created_at`` belongs to
      a deleted collection, and its ledger must not be resumed, since the faces that it lists are
      gone. Storing ``created_at`` in the plan and in the job id is sufficient.

    Call this once the job's input is known to be valid, so that invalid input leaves no empty
    collection. No engine and no store of vectors is needed, since the plan function has neither.

    Args:
        collection_id: Id of the collection.
        model_versions: Model versions that the job's faces may have; the first is that of a new
            collection.
        create: Whether to create the collection if it does not exist.
        now: Time of the creation, in seconds since 1970.
        records: Store of the collections.

    Raises:
        InvalidInputError: The id is not a valid collection id.
        CollectionNotFoundError: The collection does not exist, and ``create`` is false.
        ModelMismatchError: The collection has another model version.
    """
    try:
        found = require_collection(collection_id, model_versions=model_versions, records=records)
    except CollectionNotFoundError:
        if not create:
            raise
    else:
        return PreparedCollection(found, created=False)
    try:
        made = store_new_collection(
            collection_id, model_version=model_versions[0], now=now, records=records
        )
    except CollectionExistsError:
        # a concurrent caller created it first
        found = require_collection(collection_id, model_versions=model_versions, records=records)
        return PreparedCollection(found, created=False)
    return PreparedCollection(made, created=True)
