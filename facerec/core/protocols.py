"""What a store of faces and a store of records must do.

Every implementation passes the same suite: ``tests/contracts``. Implementations are imported
lazily, by whoever builds the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from facerec.core.faces import CohortStats
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.records import (
    AnsweredRequest,
    Collection,
    User,
)
from facerec.core.vectors import Vector, VectorMatch, VectorRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VectorStore(Protocol):
    """Vectors with metadata, in namespaces.

    The vectors of a group are replaced together. A namespace comes into being with its first
    vector; one that is unknown has no vectors.
    """

    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        """Replace the vectors of each group by those given.

        The whole call is durable when it returns. Putting the same vectors again changes nothing.

        Args:
            namespace: a namespace.
            groups: vectors by group (see ``facerec.core.ids.group_of``); a group without vectors
                is deleted.

        Raises:
            ValueError: a group or a vector is malformed; nothing was stored.
            StoreUnavailableError: nothing, or only whole groups, were stored.
        """
        ...

    def find_groups(self, namespace: str, groups: Sequence[str]) -> dict[str, list[VectorRecord]]:
        """Return the vectors of those of the groups that have any, by group, ordered by id."""
        ...

    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors of each probe, the nearest first.

        Args:
            namespace: a namespace.
            probes: float32, shape (n, 128).
            limit: maximum matches per probe, 1 to 4096.
            max_distance: Euclidean, inclusive.

        Raises:
            ValueError: the probes are malformed, or ``limit`` is out of range.
        """
        ...

    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        """Return those of the vectors that are stored, in the order of ``ids``."""
        ...

    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return vectors ordered by id, starting after the id ``after``."""
        ...

    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors, their bytes included, and return the ids that were stored."""
        ...

    def delete_namespace(self, namespace: str) -> None:
        """Erase all vectors of a namespace; an unknown one is fine."""
        ...

    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors of a namespace."""
        ...

    def expect_empty(self, namespace: str) -> None:
        """Assume that a namespace had no vectors when this store was opened.

        A store that pays for each look at what a group holds may then spare it. Groups that other
        processes put since are not seen by ``find_groups``, nor replaced.
        """
        ...

    def close(self) -> None:
        """Release files, threads and connections."""
        ...


class RecordStore(Protocol):
    """Records that must be exact: collections, and the users, tags and requests beside them.

    Users and tags are deleted with their collection.
    """

    def create_collection(self, collection: Collection) -> None:
        """Create a collection.

        Raises:
            CollectionExistsError: of two callers that create one, exactly one gets this.
        """
        ...

    def get_collection(self, collection_id: str) -> Collection:
        """Return a collection.

        Raises:
            CollectionNotFoundError: there is none of this name.
        """
        ...

    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        """Return collections in the order of their names, starting after ``after``."""
        ...

    def delete_collection(self, collection_id: str) -> None:
        """Delete the record of a collection.

        Raises:
            CollectionNotFoundError: there is none of this name.
        """
        ...

    def create_user(self, collection_id: str, user: User) -> None:
        """Create a user without faces.

        Raises:
            CollectionNotFoundError: there is no such collection.
            UserExistsError: of two callers that create one, exactly one gets this.
        """
        ...

    def get_user(self, collection_id: str, user_id: str) -> User:
        """Return a user.

        Raises:
            UserNotFoundError: there is none of this name.
        """
        ...

    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        """Return those of the users that exist, in the order of ``user_ids``."""
        ...

    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        """Return users in the order of their names, starting after ``after``."""
        ...

    def count_users(self, collection_id: str) -> int:
        """Return how many users the collection has."""
        ...

    def delete_user(self, collection_id: str, user_id: str) -> None:
        """Delete a user and its associations, not the faces.

        Raises:
            UserNotFoundError: there is none of this name.
        """
        ...

    def change_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        version: int,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> User:
        """Associate and disassociate faces in one step; return the user as it is then.

        Args:
            collection_id: the user's collection.
            user_id: the user.
            version: what the user's version is known to be.
            add: ids of faces that no user has.
            remove: ids of faces that the user has.

        Raises:
            UserNotFoundError: there is none of this name.
            ConflictError: the version is another by now, or a face has a user; nothing changed.
        """
        ...

    def mark_vector(self, collection_id: str, user_id: str, version: int) -> bool:
        """Note that the user's vector was made for a version; False if that has passed."""
        ...

    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the user ids of those of the faces that have a user, by face id."""
        ...

    def get_tags(self, collection_id: str) -> dict[str, str]:
        """Return a collection's tags.

        Raises:
            CollectionNotFoundError: there is none of this name.
        """
        ...

    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        most: int = 200,
    ) -> None:
        """Set and remove tags in one step.

        Raises:
            CollectionNotFoundError: there is none of this name.
            QuotaExceededError: there would be more than ``most``; nothing changed.
            ConflictError: other callers changed them all the time.
        """
        ...

    def find_request(self, token: str, now: float) -> AnsweredRequest | None:
        """Return what a request of this token was answered, unless that has expired."""
        ...

    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        """Keep an answer until it expires; the first one of a token stays."""
        ...


class JobData(Protocol):
    """What jobs keep of the faces that they indexed, beside the stores."""

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Delete for good what the jobs of a collection keep of faces; unknown ids are fine."""
        ...

    def forget_collection(self, collection_id: str) -> None:
        """Delete for good everything that the jobs of a collection keep."""
        ...


class FaceEngine(Protocol):
    """Finds faces in photos and computes their descriptors."""

    @property
    def model_version(self) -> str:
        """Names weights, alignment and recipe; faces of different versions do not compare."""
        ...

    @property
    def cohort_version(self) -> str:
        """Names the cohort that stats are computed against; other versions do not compare."""
        ...

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """Return the stats of descriptors: float32 of shape (n, 128)."""
        ...

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return what is in each photo, in order; never raises for what is wrong with a photo.

        Args:
            photos: the bytes of image files.
            options: how to find and choose faces.
        """
        ...
