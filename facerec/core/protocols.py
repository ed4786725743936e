"""Protocols of the collaborators that ``facerec.factory`` creates.

Every store passes the contract suite of its protocol (``tests/contracts``).
"""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from facerec.core.erasures import ErasedJob, KeptByJob, Selection
from facerec.core.faces import CohortStats, FaceAttributes
from facerec.core.options import FaceOptions
from facerec.core.photos import DetectedFace, PhotoFaces, UnreadablePhoto
from facerec.core.records import (
    AnsweredRequest,
    Collection,
    Correction,
    User,
)
from facerec.core.vectors import Metadata, Vector, VectorMatch, VectorRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VectorStore(Protocol):
    """Vectors with metadata, in namespaces.

    The vectors of a group are replaced together. Storing the first vector creates a namespace; an
    unknown namespace has no vectors.
    """

    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        """Replace the vectors of each group.

        The whole call is durable when it returns. Putting the same vectors again changes nothing.

        Args:
            namespace: a namespace.
            groups: vectors by group (see ``facerec.core.ids.group_of``); a group without vectors
                is deleted.

        Returns:
            The ids of the vectors that the groups had and no longer have, in order. A store whose
            reads lag its writes may name ids that were deleted before.

        Raises:
            ValueError: a group or a vector is malformed; nothing was stored.
            StoreUnavailableError: nothing, or only whole groups, were stored.
        """
        ...

    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        """Set fields of the metadata of stored vectors; their values and other fields stay.

        A vector that is deleted concurrently stays deleted.

        Args:
            namespace: a namespace.
            changes: the fields to set, by id; unknown ids are ignored.
        """
        ...

    def find_groups(self, namespace: str, groups: Sequence[str]) -> dict[str, list[VectorRecord]]:
        """Return the vectors of the groups by group, ordered by id; empty groups are omitted."""
        ...

    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors of each probe, nearest first.

        Args:
            namespace: a namespace.
            probes: float32, shape (n, 128).
            limit: maximum matches per probe, 1 to 4096.
            max_distance: maximum Euclidean distance, inclusive.

        Raises:
            ValueError: the probes are malformed, or ``limit`` is out of range.
        """
        ...

    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        """Return the stored vectors in the order of ``ids``; unknown ids are omitted."""
        ...

    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return vectors ordered by id, starting after the id ``after``."""
        ...

    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors, including their bytes, and return the ids that were stored."""
        ...

    def delete_namespace(self, namespace: str) -> None:
        """Erase all vectors of a namespace. An unknown namespace is not an error."""
        ...

    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors of a namespace."""
        ...

    def version(self, namespace: str) -> str | None:
        """Return a text that changes whenever vectors are put or deleted, and in no other case.

        A restored backup has another version than what it replaces, whatever is written to it.
        None if the store cannot tell.
        """
        return None

    def expect_empty(self, namespace: str) -> None:
        """Assume that a namespace had no vectors when this store was opened.

        A store with a cost per lookup of a group can then avoid lookups. ``find_groups`` does not
        find, and ``put_groups`` does not replace, groups that other processes stored since.
        """
        ...

    def close(self) -> None:
        """Release files, threads and connections."""
        ...


class RecordStore(Protocol):
    """Strongly consistent records: collections, users, corrections, tombstones, tags and requests.

    Users, corrections, tombstones and tags are deleted with their collection.
    """

    def create_collection(self, collection: Collection) -> None:
        """Create a collection.

        Raises:
            CollectionExistsError: it exists; exactly one of two concurrent callers gets this.
        """
        ...

    def get_collection(self, collection_id: str) -> Collection:
        """Return a collection.

        Raises:
            CollectionNotFoundError: it does not exist.
        """
        ...

    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        """Return collections ordered by name, starting after ``after``."""
        ...

    def delete_collection(self, collection_id: str) -> None:
        """Delete the record of a collection.

        Raises:
            CollectionNotFoundError: it does not exist.
        """
        ...

    def set_threshold(self, collection_id: str, threshold: float | None) -> None:
        """Set the threshold of a collection, or remove it.

        Raises:
            CollectionNotFoundError: it does not exist.
        """
        ...

    def create_user(self, collection_id: str, user: User) -> None:
        """Create a user without faces.

        Raises:
            CollectionNotFoundError: the collection does not exist.
            UserExistsError: it exists; exactly one of two concurrent callers gets this.
            UserNameExistsError: another user has its name; likewise.
        """
        ...

    def get_user(self, collection_id: str, user_id: str) -> User:
        """Return a user.

        Raises:
            UserNotFoundError: it does not exist.
        """
        ...

    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        """Return the existing users in the order of ``user_ids``."""
        ...

    def find_user(self, collection_id: str, name: str) -> User | None:
        """Return the user that has a display name; None if there is none."""
        ...

    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        """Return users ordered by name, starting after ``after``."""
        ...

    def count_users(self, collection_id: str) -> int:
        """Return the number of users of a collection."""
        ...

    def delete_user(self, collection_id: str, user_id: str) -> None:
        """Delete a user and its associations, but not its faces.

        Raises:
            UserNotFoundError: it does not exist.
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
        """Associate and disassociate faces atomically, and return the changed user.

        Args:
            collection_id: the user's collection.
            user_id: the user.
            version: the version that the caller knows.
            add: ids of faces that no user has.
            remove: ids of faces that the user has.

        Raises:
            UserNotFoundError: it does not exist.
            ConflictError: the version has changed, or a face has a user; nothing was changed.
        """
        ...

    def set_user_name(self, collection_id: str, user_id: str, name: str | None) -> User:
        """Set or remove the display name of a user, and return the user.

        Raises:
            UserNotFoundError: the user does not exist.
            UserNameExistsError: another user has the name; nothing was changed.
            ConflictError: there are too many concurrent changes.
        """
        ...

    def move_faces(
        self, collection_id: str, face_ids: Sequence[str], *, source: User, target: User
    ) -> tuple[User, User]:
        """Associate faces of one user with another, and return both users.

        Each face has exactly one of the two users at any moment.

        Args:
            collection_id: the users' collection.
            face_ids: ids of faces of the source.
            source: the user that loses the faces, as the caller knows it.
            target: the user that gains them, likewise.

        Raises:
            UserNotFoundError: a user does not exist.
            ConflictError: a version has changed, or a face is not the source's. Nothing, or only
                some of the faces, were moved.
        """
        ...

    def mark_vector(self, collection_id: str, user_id: str, version: int) -> bool:
        """Record the version of a user's vector; return False if the version is stale."""
        ...

    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the user ids of faces by face id; faces without a user are omitted."""
        ...

    def add_correction(self, collection_id: str, correction: Correction) -> None:
        """Store a correction; one that is stored already changes nothing.

        Raises:
            CollectionNotFoundError: the collection does not exist.
            ConflictError: there are too many concurrent changes.
        """
        ...

    def remove_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> int:
        """Erase corrections, and return the number of those that were stored.

        Raises:
            ConflictError: there are too many concurrent changes.
        """
        ...

    def corrections_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[Correction]:
        """Return the corrections of faces, ordered."""
        ...

    def corrections_of_people(self, collection_id: str, people: Sequence[str]) -> list[Correction]:
        """Return the corrections about people, ordered."""
        ...

    def list_corrections(
        self, collection_id: str, *, after: Correction | None = None, limit: int = 1000
    ) -> list[Correction]:
        """Return corrections ordered by face, then by person, starting after ``after``."""
        ...

    def get_tags(self, collection_id: str) -> dict[str, str]:
        """Return a collection's tags.

        Raises:
            CollectionNotFoundError: it does not exist.
        """
        ...

    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        limit: int = 200,
    ) -> None:
        """Set and remove tags atomically.

        Raises:
            CollectionNotFoundError: it does not exist.
            QuotaExceededError: there would be more than ``limit``; nothing was changed.
            ConflictError: there are too many concurrent changes.
        """
        ...

    def get_tombstone_key(self, collection_id: str) -> bytes | None:
        """Return the key of a collection's tombstones; None if it never had a tombstone."""
        ...

    def create_tombstone_key(self, collection_id: str, key: bytes) -> bytes:
        """Store the key of a collection's tombstones, and return the first that was stored.

        Raises:
            CollectionNotFoundError: the collection does not exist.
        """
        ...

    def find_tombstones(
        self, collection_id: str, photos: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        """Return the places of deleted faces by photo; photos without any are omitted.

        Args:
            collection_id: the collection.
            photos: keyed hashes of photos (see ``facerec.gallery.tombstones``).
        """
        ...

    def list_tombstones(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> dict[str, frozenset[str]]:
        """Return the places of deleted faces, ordered by photo, starting after ``after``.

        Args:
            collection_id: the collection.
            after: keyed hash of a photo.
            limit: maximum photos.
        """
        ...

    def put_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        """Add places of deleted faces by photo, each atomically.

        Raises:
            CollectionNotFoundError: the collection does not exist.
        """
        ...

    def delete_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        """Remove places of deleted faces by photo; unknown ones are ignored."""
        ...

    def find_request(self, token: str, now: float) -> AnsweredRequest | None:
        """Return the answer to the request with this token, or None if unknown or expired."""
        ...

    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        """Store an answer until it expires; the first answer of a token is kept."""
        ...

    def forget_answers(self, ids: Sequence[str]) -> int:
        """Delete the stored answers that name a user or a face, and return their number.

        The tokens can be used again.

        Args:
            ids: ids of users and faces, as they are in the answers.
        """
        ...


class JobData(Protocol):
    """The copies of faces in the folders of jobs."""

    def forget(self, collection_id: str, selection: Selection) -> Sequence[ErasedJob]:
        """Erase faces and photos, or a whole collection, from the jobs of a collection.

        Returns:
            What was removed from each folder; unknown ids and names are ignored.
        """
        ...

    def find(self, collection_id: str, selection: Selection) -> Sequence[KeptByJob]:
        """Return what the jobs of a collection keep of faces and photos."""
        ...


class Cohort(Protocol):
    """Vectors of strangers by which distances are normalised."""

    @property
    def cohort_version(self) -> str:
        """Version of the cohort of ``cohort_stats``; only stats of one version can be compared."""
        ...

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """Return the stats of descriptors, float32 of shape (n, 128)."""
        ...


class FaceEngine(Cohort, Protocol):
    """Finds faces in photos and computes their descriptors."""

    @property
    def model_version(self) -> str:
        """Version of weights, alignment and recipe; only faces of one version can be compared."""
        ...

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return the faces of each photo in order; an unreadable photo is a result, not an error.

        Args:
            photos: the bytes of image files.
            options: how to find and choose faces.
        """
        ...


class AttributeEstimator(Protocol):
    """Estimates age and gender of faces that an engine has found."""

    @property
    def is_installed(self) -> bool:
        """Whether the networks are installed, which are optional."""
        ...

    def estimate(
        self, photo: bytes, faces: Sequence[DetectedFace], options: FaceOptions
    ) -> list[FaceAttributes]:
        """Return the attributes of each face, in order.

        Args:
            photo: the bytes of the image file in which the faces were found.
            faces: the faces.
            options: the options with which they were found.

        Raises:
            AttributesUnavailableError: the networks are not installed.
        """
        ...
