"""Results of operations on collections and stored faces: pages of listings, and deletions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.errors import FaceInUseError, FaceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.erasures import Receipt
    from facerec.core.events import KeptEvent
    from facerec.core.history import Entry
    from facerec.core.records import Collection, Correction, FaceRecord


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """A collection with the numbers of its faces and people.

    Attributes:
        collection: The collection.
        face_count: Number of its faces.
        user_count: Number of its people.
        retention_days: Number of days for which it keeps each face; None keeps faces indefinitely.
        deletion_id: Id of the unfinished erasure that deletes the collection; None if nobody has
            asked to delete it.
    """

    collection: Collection
    face_count: int
    user_count: int
    retention_days: int | None
    deletion_id: str | None


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """A page of collections, and the token of the next page; None on the last one."""

    collections: tuple[Collection, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A stored face, and the person that it is associated with, if any.

    Attributes:
        record: The face.
        user_id: Id of the person, if any.
        person_name: The display name of that person, if any.
    """

    record: FaceRecord
    user_id: str | None
    person_name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FacePage:
    """A page of a collection's faces.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        faces: Faces in the order of their ids.
        next_token: Token of the next page; None on the last one.
    """

    collection_id: str
    model_version: str
    faces: tuple[ListedFace, ...]
    next_token: str | None


class DeletionFailureReason(StrEnum):
    """Why a face was not deleted; the names are Rekognition's."""

    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    ASSOCIATED_TO_AN_EXISTING_USER = "ASSOCIATED_TO_AN_EXISTING_USER"


@dataclass(frozen=True, slots=True)
class FailedDeletion:
    """A face that was not deleted, and the person it is associated with, if that is the reason."""

    face_id: str
    reason: DeletionFailureReason
    user_id: str | None = None

    def to_error(self) -> FaceNotFoundError | FaceInUseError:
        """Return the failure as an error, for callers that requested only this face."""
        if self.user_id is None:
            return FaceNotFoundError(self.face_id)
        return FaceInUseError(self.face_id, self.user_id)


@dataclass(frozen=True, slots=True)
class FaceDeletion:
    """The outcome of a request to delete faces.

    Attributes:
        collection_id: Id of the collection.
        deleted: Ids of the faces that were deleted.
        failed: Faces that were not deleted.
        receipt: Counts of the removed data; None if every face belongs to a person.
    """

    collection_id: str
    deleted: tuple[str, ...]
    failed: tuple[FailedDeletion, ...]
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class CorrectionPage:
    """A page of a collection's corrections.

    Attributes:
        corrections: Corrections, ordered by face.
        next_token: Token of the next page; None on the last.
        names: Display names of the people of the page, by id; people without a name are omitted.
    """

    corrections: tuple[Correction, ...]
    next_token: str | None
    names: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of the history, newest first.

    Attributes:
        collection_id: Id of the collection.
        entries: The entries.
        next_token: Token of the next page; None on the last.
        person: Id of the person to whom the entries are restricted; None if they concern everybody.
        names: Current display names of the people of each entry, by the ids of the entry and the
            person. People without a name, and those who no longer exist, are omitted.
    """

    collection_id: str
    entries: tuple[Entry, ...]
    next_token: str | None
    person: str | None
    names: Mapping[str, Mapping[str, str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of matches with registered people, newest first.

    Attributes:
        collection_id: Id of the collection.
        events: The events, each with the state of its delivery.
        next_token: Token of the next page; None on the last one.
        names: Display names of the people of the page, by id; people without a name are omitted.
    """

    collection_id: str
    events: tuple[KeptEvent, ...]
    next_token: str | None
    names: Mapping[str, str] = field(repr=False)
