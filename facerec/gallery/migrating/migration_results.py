"""Results of the operations of a migration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.core.migrations import MigrationState


class MissingReason(StrEnum):
    """Why a stored face cannot be described with another model version."""

    NO_ADDRESS = "NO_ADDRESS"
    """Its photo was given as bytes, or it was imported without a photo."""

    PHOTO_GONE = "PHOTO_GONE"
    """Its photo does not exist any more, or its address is not valid."""

    ACCESS_DENIED = "ACCESS_DENIED"
    """Its photo may not be read."""

    READ_FAILED = "READ_FAILED"
    """Its photo cannot be read although others can, for example because of a bad sector."""

    PHOTO_CHANGED = "PHOTO_CHANGED"
    """A different photo is now at the address."""

    UNREADABLE = "UNREADABLE"
    """Its photo cannot be decoded."""

    NOT_FOUND_AGAIN = "NOT_FOUND_AGAIN"
    """No detector finds a face at its position, with any of the options that are tried."""


@dataclass(frozen=True, slots=True)
class MissingFace:
    """A stored face that cannot be described with the new model version.

    Attributes:
        face_id: Id of the face.
        external_image_id: The caller's own name for its photo, or None.
        user_id: The person that the face is associated with, or None.
        reason: Why it cannot be described.
    """

    face_id: str
    external_image_id: str | None
    user_id: str | None
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The progress of the migration of a collection.

    Attributes:
        collection_id: Id of the collection.
        state: State of the migration; None if the collection is not being migrated.
        model_version: Model version that is served.
        standby_version: The other model version; None if the collection is not being migrated.
        threshold: Default minimum similarity of the collection in the version that is served; None
            for the gallery's default.
        standby_threshold: The same for the other version; also None if the collection is not being
            migrated.
        faces: Number of faces.
        ready: Number of faces that are described with the other version too.
        started_at: Seconds since 1970, UTC; None if the collection is not being migrated.
    """

    collection_id: str
    state: MigrationState | None
    model_version: str
    standby_version: str | None
    threshold: float | None
    standby_threshold: float | None
    faces: int
    ready: int
    started_at: float | None


@dataclass(frozen=True, slots=True)
class MigrationPage:
    """The outcome of preparing a page of faces.

    Attributes:
        collection_id: Id of the collection.
        described: Number of faces that were described with the other version; 0 for a dry run.
        missing: Faces that cannot be described.
        next_token: Token of the next page; None on the last one.
    """

    collection_id: str
    described: int
    missing: tuple[MissingFace, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class FinishedMigration:
    """The outcome of finishing or cancelling a migration.

    Attributes:
        status: The collection afterwards.
        removed: Number of embeddings of the other version that were removed.
        job_embeddings: Number of embeddings in job folders that have been replaced.
        dropped: Number of embeddings in job folders that were removed, since the collection does
            not have their faces.
    """

    status: MigrationStatus
    removed: int
    job_embeddings: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class MigratedCollection:
    """The outcome of a whole migration, or of its rollback.

    Attributes:
        status: The collection afterwards.
        described: Number of faces that were described with the other version.
        missing: Faces that could not be described, and were deleted, except by a dry run.
        removed: Number of embeddings of the other version that a rollback removed.
    """

    status: MigrationStatus
    described: int
    missing: tuple[MissingFace, ...]
    removed: int = 0


class MigrationListener(Protocol):
    """Receives the progress of a whole migration. An error in a method stops the migration."""

    def on_page(self, done: int, faces: int) -> None:
        """Called after each page, with the number of faces so far and the number of all faces."""

    def on_missing(self, missing: Sequence[MissingFace]) -> None:
        """Called with faces that cannot be described.

        They are deleted next if that is allowed; otherwise the migration fails.
        """

    def on_drop(self, missing: Sequence[MissingFace]) -> None:
        """Called with the faces of ``on_missing`` before they are permanently deleted."""
