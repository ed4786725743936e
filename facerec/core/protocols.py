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
    FaceRecord,
    Neighbour,
    StoredFace,
    User,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FaceStore(Protocol):
    """Faces with their embeddings, a namespace for each collection."""

    def put_images(self, collection_id: str, images: Mapping[str, Sequence[StoredFace]]) -> None:
        """Make each image hold exactly these faces, replacing what it held.

        The whole call is durable when it returns. Putting the same faces again changes nothing.

        Args:
            collection_id: the namespace.
            images: by image key (see ``facerec.core.ids.image_key``), the faces of that image.

        Raises:
            StoreUnavailableError: nothing, or only whole images, were stored.
        """
        ...

    def find_images(
        self, collection_id: str, image_keys: Sequence[str]
    ) -> dict[str, list[FaceRecord]]:
        """Return the stored faces of those of the images that have any, by image key."""
        ...

    def search(
        self,
        collection_id: str,
        probes: NDArray[np.float32],
        *,
        top: int,
        max_distance: float,
    ) -> list[list[Neighbour]]:
        """Return, for each probe, its nearest stored faces, the nearest first.

        Args:
            collection_id: the namespace; an unknown one holds no faces.
            probes: float32, shape (n, 128).
            top: the most neighbours of a probe, 1 to 4096.
            max_distance: Euclidean; neighbours at this distance still count.
        """
        ...

    def get_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """Return those of the faces that are stored, in the order asked for."""
        ...

    def list_faces(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[FaceRecord]:
        """Return faces in the order of their ids, those behind ``after`` only."""
        ...

    def delete_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[str]:
        """Delete faces for good, embedding bytes included; return the ids that were stored."""
        ...

    def delete_namespace(self, collection_id: str) -> None:
        """Delete all faces of a collection for good; an unknown one is fine."""
        ...

    def count_faces(self, collection_id: str) -> int:
        """Return how many faces the collection holds."""
        ...


class RecordStore(Protocol):
    """Records that must be exact: the collections."""

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
        """Return collections in the order of their names, those behind ``after`` only."""
        ...

    def delete_collection(self, collection_id: str) -> None:
        """Delete the record of a collection.

        Raises:
            CollectionNotFoundError: there is none of this name.
        """
        ...


class UserStore(Protocol):
    """Users and the faces associated with them; they vanish with their collection."""

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

    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        """Return users in the order of their names, those behind ``after`` only."""
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


class TagStore(Protocol):
    """Tags of collections; they vanish with their collection."""

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


class RequestStore(Protocol):
    """Answers to requests that carried an idempotency token."""

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
