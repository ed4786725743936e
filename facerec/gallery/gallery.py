"""``Gallery``: the operations on collections of faces, one method each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from facerec.core.names import checked_collection_id
from facerec.core.options import FaceOptions
from facerec.core.protocols import (
    FaceEngine,
    FaceStore,
    JobData,
    RecordStore,
    RequestStore,
    TagStore,
    UserStore,
)
from facerec.core.records import Collection
from facerec.errors import QuotaExceededError
from facerec.gallery import collections, users
from facerec.gallery.collections import (
    MAX_TAGS,
    CollectionPage,
    CollectionSummary,
    PreparedCollection,
)
from facerec.gallery.paging import page_token, read_page_token
from facerec.gallery.similarity import DEFAULT_THRESHOLD
from facerec.storage.objects.protocol import ObjectStore


class Records(RecordStore, UserStore, TagStore, RequestStore, Protocol):
    """All records that a gallery needs, in one store."""


@dataclass(frozen=True, slots=True)
class GalleryDefaults:
    """What operations use where the caller does not say.

    Attributes:
        options: How faces are found and chosen when a photo is indexed.
        threshold: Minimum similarity of a match, 0 to 1.
    """

    options: FaceOptions = field(default_factory=FaceOptions)
    threshold: float = DEFAULT_THRESHOLD


class Gallery:
    """Collections of faces: one method per operation, called by every door.

    The command line, REST, Rekognition's protocol, jobs and Python programs call these methods
    and nothing below them, so that they cannot disagree. Safe to share between threads if the
    collaborators are.
    """

    def __init__(
        self,
        engine: FaceEngine,
        faces: FaceStore,
        records: Records,
        *,
        photos: ObjectStore,
        job_data: JobData,
        sources: ObjectStore | None = None,
        defaults: GalleryDefaults = GalleryDefaults(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a gallery over its collaborators.

        Args:
            engine: Finds faces in photos.
            faces: Store of faces and of the users' vectors.
            records: Store of collections, users, tags and answered requests.
            photos: Where photos are read that callers name; only what callers may read.
            job_data: Forgets what jobs keep of deleted faces.
            sources: Where the photos of stored faces are read; by default ``photos``.
            defaults: What operations use where the caller does not say.
            clock: Returns the time in seconds since 1970.
        """
        self._engine, self._faces, self._records = engine, faces, records
        self._photos, self._sources, self._job_data = photos, sources or photos, job_data
        self._defaults, self._clock = defaults, clock

    @property
    def defaults(self) -> GalleryDefaults:
        """What operations use where the caller does not say."""
        return self._defaults

    @property
    def model_version(self) -> str:
        """Model version of the engine; collections of other versions cannot be searched."""
        return self._engine.model_version

    def create_collection(
        self, collection_id: str, *, tags: Mapping[str, str] | None = None
    ) -> Collection:
        """Create an empty collection for faces of the engine's model version.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionExistsError: A collection of this id exists.
            QuotaExceededError: There are more than ``MAX_TAGS`` tags.
        """
        if tags and len(tags) > MAX_TAGS:
            raise QuotaExceededError(f"a collection has at most {MAX_TAGS} tags")
        collection = collections.create_collection(
            collection_id,
            model_version=self._engine.model_version,
            now=self._clock(),
            records=self._records,
        )
        if tags:
            self._records.change_tags(collection_id, put=tags, most=MAX_TAGS)
        return collection

    def prepare_collection(self, collection_id: str, *, create: bool) -> PreparedCollection:
        """Return a collection that a job can index into, created first if asked for.

        What holds for the collection that is returned:

        - It exists, and its model version is the engine's.
        - Of several concurrent callers with ``create``, one creates it, and all get the same.
        - Its ``created_at`` identifies this creation: once the collection is deleted, a later
          one of the same id has another. A plan that was made for another ``created_at``
          belongs to a deleted collection, and its ledger must not be resumed, since the faces
          that it lists are gone. To keep ``created_at`` in the plan and in what identifies the
          job is enough.

        Call this once the job's input is known to be valid, so that input that is refused leaves
        no empty collection.

        Args:
            collection_id: Id of the collection.
            create: Whether to create the collection if it does not exist.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist, and ``create`` is false.
            ModelMismatchError: Its faces have another model version.
        """
        return collections.prepare_collection(
            collection_id,
            model_version=self._engine.model_version,
            create=create,
            now=self._clock(),
            records=self._records,
        )

    def describe_collection(self, collection_id: str) -> CollectionSummary:
        """Return a collection with its counts.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        collection = self._records.get_collection(checked_collection_id(collection_id))
        return CollectionSummary(
            collection,
            self._faces.count_faces(collection_id),
            self._records.count_users(collection_id),
        )

    def list_collections(
        self, *, next_token: str | None = None, limit: int = 1000
    ) -> CollectionPage:
        """Return a page of collections, in the order of their ids.

        Raises:
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        now = self._clock()
        after = None if next_token is None else read_page_token("collections", next_token, now)
        found = self._records.list_collections(after=after, limit=limit + 1)
        page = tuple(found[:limit])
        more = page and len(found) > limit
        token = page_token("collections", page[-1].collection_id, now) if more else None
        return CollectionPage(page, token)

    def delete_collection(self, collection_id: str) -> None:
        """Delete a collection for good: its faces, users and tags, and what its jobs keep.

        What jobs keep goes first and the record last, so that an interrupted deletion can be
        called again.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        self._records.get_collection(checked_collection_id(collection_id))
        self._job_data.forget_collection(collection_id)
        users.delete_vectors(self._faces, collection_id)
        self._faces.delete_namespace(collection_id)
        self._records.delete_collection(collection_id)
        # A running job may have stored more faces since.
        self._faces.delete_namespace(collection_id)
