"""What every door can do, as tests call it, and the values that doors are compared by."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from facerec import errors
from facerec.core.erasures import SubjectKind
from facerec.gallery.gallery import Gallery

BUCKET = "facerec-work"
"""The bucket of the deployment on AWS."""

FoundUser: TypeAlias = tuple[str, float]
"""The id of a user that a search returned, and the similarity, rounded."""


Migrated: TypeAlias = tuple[str | None, str, int]
"""State of the migration of a collection, its model version, and its number of standby faces."""


class DoorError(Exception):
    """A door refused an operation.

    Attributes:
        raised: The class of the error as this door distinguishes it: several classes have the same
            exit code or status.
        text: Everything that the door says.
    """

    def __init__(self, raised: object, text: str) -> None:
        super().__init__(f"{raised}: {text}")
        self.raised, self.text = raised, text


@dataclass
class Found:
    """A stored face that a search returned."""

    face_id: str
    similarity: float
    user_id: str | None


@dataclass
class Page:
    """A page of a listing, and the token of the next one."""

    entries: list[object]
    next_token: str | None


@dataclass
class Erased:
    """An erasure: the kind of its subject, and the numbers of faces and users that it removed."""

    subject: str
    faces: int
    users: int
    erasure_id: str = field(compare=False)


@dataclass
class Exported:
    """What is held about somebody.

    Attributes:
        faces: Id and user of each face, and the beginning of its embedding.
        people: Ids and display names of users.
        corrections: Faces and people.
    """

    faces: list[tuple[str, str | None, list[float]]]
    people: list[tuple[str, str | None]]
    corrections: list[tuple[str, str]]


@dataclass
class Change:
    """What an association or disassociation did.

    Attributes:
        changed: Ids of the faces.
        failed: Id, reasons, other user and rounded similarity of each face that failed.
        status: State of the user afterwards.
    """

    changed: list[str]
    failed: list[tuple[str, list[str], str | None, float | None]]
    status: str


def rounded(similarity: float) -> float:
    """Return a similarity without the noise of converting it to percent and back."""
    return round(similarity, 5)


class Door:
    """What every door can do. ``None`` stands for what the caller leaves to the gallery."""

    errors: ClassVar[dict[type[errors.FacerecError], object]]
    """How the door tells each class of error; a set where that depends on the operation."""

    def __init__(self, gallery: Gallery, data: Path, jobs_root: str) -> None:
        self.gallery, self.data, self.jobs_root = gallery, data, jobs_root

    def create_collection(self, name: str) -> str:
        """Create a collection and return its model version."""
        raise NotImplementedError

    def list_collections(self) -> list[str]:
        """Return the ids of all collections."""
        raise NotImplementedError

    def describe_collection(self, name: str) -> tuple[int, int]:
        """Return the numbers of faces and users."""
        raise NotImplementedError

    def delete_collection(self, name: str) -> None:
        """Delete a collection."""
        raise NotImplementedError

    def list_faces(self, name: str, user_id: str | None = None) -> list[tuple[str, str | None]]:
        """Return the ids of all faces, or of those of a user, with their users."""
        raise NotImplementedError

    def delete_face(self, name: str, face_id: str) -> None:
        """Delete a face."""
        raise NotImplementedError

    def delete_faces(self, name: str, face_ids: list[str]) -> list[str]:
        """Delete faces and return the ids of those that were deleted."""
        raise NotImplementedError

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        """Disassociate a face from its user and delete it."""
        raise NotImplementedError

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        """Index a photo under the name ``photo`` and return the ids of its faces."""
        raise NotImplementedError

    def search(
        self,
        name: str,
        photo: bytes,
        threshold: float | None = None,
        limit: int | None = None,
        quality_filter: str | None = None,
        target_fmr: float | None = None,
    ) -> list[Found]:
        """Return the matches of a photo's largest face."""
        raise NotImplementedError

    def compare(
        self, source: bytes, target: bytes, quality_filter: str | None = None
    ) -> list[float]:
        """Return how similar the faces of the target are to the largest face of the source."""
        raise NotImplementedError

    def detect(self, photo: bytes, detector: str | None = None) -> list[float]:
        """Return the confidence of each face."""
        raise NotImplementedError

    def page_of_collections(self, limit: int, next_token: str | None) -> Page:
        """Return the ids of some collections."""
        raise NotImplementedError

    def page_of_faces(self, name: str, limit: int, next_token: str | None) -> Page:
        """Return the ids of some faces."""
        raise NotImplementedError

    def page_of_users(self, name: str, limit: int, next_token: str | None) -> Page:
        """Return the ids of some users, with their status."""
        raise NotImplementedError

    def get_tags(self, name: str) -> dict[str, str]:
        """Return the tags of a collection."""
        raise NotImplementedError

    def set_tags(self, name: str, tags: dict[str, str]) -> None:
        """Add tags to a collection."""
        raise NotImplementedError

    def remove_tags(self, name: str, keys: list[str]) -> None:
        """Remove tags from a collection."""
        raise NotImplementedError

    def refresh_stats(self, name: str) -> None:
        """Compute the stats of stored faces again."""
        raise NotImplementedError

    def migration_status(self, name: str) -> Migrated:
        """Return how far the migration of a collection is."""
        raise NotImplementedError

    def migrate(self, name: str, recipe: str, *, drop_missing: bool = False) -> Migrated:
        """Describe all faces with a recipe, and serve it."""
        raise NotImplementedError

    def roll_back_migration(self, name: str) -> Migrated:
        """Serve the earlier version, also of faces that were indexed since."""
        raise NotImplementedError

    def prepare_migration(self, name: str, recipe: str) -> list[str]:
        """Return why faces cannot be described with a recipe; nothing is stored."""
        raise NotImplementedError

    def switch_version(self, name: str) -> Migrated:
        """Serve the version that is prepared."""
        raise NotImplementedError

    def finish_migration(self, name: str) -> Migrated:
        """Remove the version that was served before."""
        raise NotImplementedError

    def cancel_migration(self, name: str) -> Migrated:
        """Remove what was prepared."""
        raise NotImplementedError

    def search_face(
        self, name: str, face_id: str, limit: int | None = None, target_fmr: float | None = None
    ) -> list[Found]:
        """Return the faces that resemble a stored face."""
        raise NotImplementedError

    def thumbnail(self, name: str, face_id: str) -> bytes:
        """Return the picture of a stored face."""
        raise NotImplementedError

    def set_threshold(self, name: str, threshold: float | None) -> None:
        """Set the threshold of a collection, or remove it."""
        raise NotImplementedError

    def not_same(self, name: str, face_id: str, person: str) -> None:
        """State that a face does not show a person."""
        raise NotImplementedError

    def lift_correction(self, name: str, face_id: str, person: str) -> None:
        """Remove the statement that a face does not show a person."""
        raise NotImplementedError

    def page_of_corrections(self, name: str, limit: int, next_token: str | None) -> Page:
        """Return some corrections, each a face and a person."""
        raise NotImplementedError

    def page_of_history(
        self, name: str, limit: int | None, next_token: str | None, person: str | None = None
    ) -> Page:
        """Return some changes of people, newest first: each an id, what was done, and the steps."""
        raise NotImplementedError

    def undo(self, name: str, entry_id: str) -> tuple[object, ...]:
        """Undo a change; return what that has done, and the steps."""
        raise NotImplementedError

    def cluster_faces(self, name: str) -> None:
        """Cluster the faces that were indexed since the last time."""
        raise NotImplementedError

    def page_of_clusters(self, name: str, limit: int, next_token: str | None) -> Page:
        """Return some clusters, each an id, faces and a person."""
        raise NotImplementedError

    def describe_cluster(self, name: str, cluster_id: str) -> tuple[str, list[str], str | None]:
        """Return a cluster's id, its faces and its person."""
        raise NotImplementedError

    def name_cluster(self, name: str, cluster_id: str, user_id: str) -> Change:
        """Add the faces of a cluster to a user."""
        raise NotImplementedError

    def ignore_cluster(self, name: str, cluster_id: str) -> None:
        """Ignore a cluster."""
        raise NotImplementedError

    def not_same_cluster(self, name: str, cluster_id: str, person: str) -> None:
        """State that the faces of a cluster do not show a person."""
        raise NotImplementedError

    def not_a_face(self, name: str, face_id: str) -> None:
        """State that what was found is not a face."""
        raise NotImplementedError

    def erase(self, name: str, kind: SubjectKind, subject: str) -> Erased:
        """Erase everything known about a subject."""
        raise NotImplementedError

    def export(self, name: str, kind: SubjectKind, subject: str) -> Exported:
        """Return what is held about a face, a photo, an external image id or a user."""
        raise NotImplementedError

    def set_retention(self, name: str, days: int | None) -> None:
        """Set for how many days a collection keeps each face; None for ever."""
        raise NotImplementedError

    def get_retention(self, name: str) -> int | None:
        """Return for how many days a collection keeps each face."""
        raise NotImplementedError

    def list_erasures(self, name: str, limit: int | None = None) -> list[Erased]:
        """Return what was erased of a collection, newest first."""
        raise NotImplementedError

    def get_erasure(self, name: str, erasure_id: str) -> Erased:
        """Return what an erasure removed."""
        raise NotImplementedError

    def create_user(self, name: str, user_id: str) -> None:
        """Create a user."""
        raise NotImplementedError

    def create_named_user(self, name: str, user_id: str | None, displayed: str) -> str:
        """Create a user with a display name; return the id."""
        raise NotImplementedError

    def rename_user(self, name: str, user_id: str, displayed: str | None) -> str | None:
        """Set or remove the display name of a user; return what it is then."""
        raise NotImplementedError

    def register_user(self, name: str, user_id: str, consent: str, expires: str) -> object:
        """Register a user; return both days, and whether the consent has expired."""
        raise NotImplementedError

    def unregister_user(self, name: str, user_id: str) -> object:
        """Remove the registration of a user; return what it is then."""
        raise NotImplementedError

    def page_of_events(self, name: str, limit: int | None, next_token: str | None) -> Page:
        """Return some matches with registered users: each a face, a user and a similarity."""
        raise NotImplementedError

    def retry_events(self, name: str) -> None:
        """Let the events that were not accepted be due."""
        raise NotImplementedError

    def merge_users(self, name: str, user_id: str, other_id: str) -> list[str]:
        """Merge a user into another; return the faces."""
        raise NotImplementedError

    def split_user(
        self, name: str, user_id: str, face_ids: list[str], new_user_id: str
    ) -> list[str]:
        """Move faces of a user to a new one; return its faces."""
        raise NotImplementedError

    def create_user_once(self, name: str, user_id: str, token: str) -> None:
        """Create a user, unless a request with this token was answered before."""
        raise NotImplementedError

    def describe_user(self, name: str, user_id: str) -> tuple[str, list[str]]:
        """Return the status and the faces of a user."""
        raise NotImplementedError

    def delete_user(self, name: str, user_id: str) -> None:
        """Delete a user."""
        raise NotImplementedError

    def users_named(self, name: str, text: str) -> list[object]:
        """Return the users with a text in their names."""
        raise NotImplementedError

    def find(
        self,
        name: str,
        photo: bytes | None = None,
        *,
        user_id: str | None = None,
        face_number: int | None = None,
        doubtful: bool = False,
        doubtful_below: float | None = None,
    ) -> list[Found]:
        """Return all faces that show a user, or the person of a photo."""
        raise NotImplementedError

    def associate_faces(
        self, name: str, user_id: str, face_ids: list[str], min_similarity: float | None = None
    ) -> Change:
        """Associate faces with a user."""
        raise NotImplementedError

    def disassociate_faces(self, name: str, user_id: str, face_ids: list[str]) -> Change:
        """Disassociate faces from a user."""
        raise NotImplementedError

    def search_users_by_face(
        self, name: str, face_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        """Return the users that a stored face may show."""
        raise NotImplementedError

    def search_users_by_user(
        self, name: str, user_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        """Return the users that resemble a user."""
        raise NotImplementedError

    def search_users_by_photo(
        self, name: str, photo: bytes, threshold: float | None = None
    ) -> list[FoundUser]:
        """Return the users that a photo's largest face may show."""
        raise NotImplementedError
