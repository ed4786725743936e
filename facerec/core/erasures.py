"""Erasures: the selection of what to erase from a collection, and the receipt of an erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facerec.core.history import Action, Cause, cause_from_json
from facerec.core.ids import group_of
from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.core.records import StoredFace


class SubjectKind(StrEnum):
    """Kind of subject that a caller asked to erase."""

    FACE = "FACE"
    PHOTO = "PHOTO"
    EXTERNAL_ID = "EXTERNAL_ID"
    USER = "USER"
    COLLECTION = "COLLECTION"
    EXPIRED = "EXPIRED"
    """Faces whose retention period is over."""


class ErasureStatus(StrEnum):
    """Status of an erasure."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    ABANDONED = "ABANDONED"
    """Its note was damaged and has been removed: what it was to erase may be left."""


@dataclass(frozen=True, slots=True, repr=False)
class Selection:
    """A selection of what to erase from a collection. A repr never contains a name.

    Attributes:
        face_ids: ids of faces.
        image_keys: photos that keep no face: what jobs with other options have found on them is
            erased too, or a repair would restore it.
        external_image_ids: names of photos: rows and lines about them are erased too.
        photos: paths or addresses of photos: rows and lines about them are erased too.
        user_ids: people.
        user_names: display names of these people, which go with them.
        created_before: the collection is erased as a whole if it was created until then, seconds
            since 1970: one of the same id that is created later stays. None erases a part.
        created_at: when the collection was created. Nothing is erased of a later one of its id.
        cause: entry of the history that the deletion of people is a step of, which keeps their
            names; None if they are erased from the history too.
    """

    face_ids: frozenset[str] = frozenset()
    image_keys: frozenset[str] = frozenset()
    external_image_ids: frozenset[str] = frozenset()
    photos: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()
    user_names: frozenset[str] = frozenset()
    created_before: float | None = None
    created_at: float | None = None
    cause: Cause | None = None

    @property
    def erases_names(self) -> bool:
        """Whether the names leave the history too: not if a merge or an undo removes people."""
        return self.cause is None or self.cause.action is Action.DELETE

    @property
    def names_photos(self) -> bool:
        """Whether photos are erased, and not only faces by their ids."""
        return bool(self.external_image_ids or self.photos)

    def contains_face(self, face_id: str) -> bool:
        """Return whether a face is selected by its id."""
        return face_id in self.face_ids or group_of(face_id) in self.image_keys

    def to_json(self) -> dict[str, Any]:
        """Return the selection as JSON values."""
        sets = (
            *("face_ids", "image_keys", "external_image_ids", "photos", "user_ids"),
            "user_names",
        )
        return {
            **{name: sorted(getattr(self, name)) for name in sets},
            "created_before": self.created_before,
            "created_at": self.created_at,
            "cause": None if self.cause is None else self.cause.to_json(),
        }


def selection_from_json(document: Mapping[str, Any]) -> Selection:
    """Return the selection of a document that ``Selection.to_json`` returned."""
    return Selection(
        frozenset(document["face_ids"]),
        frozenset(document["image_keys"]),
        frozenset(document["external_image_ids"]),
        frozenset(document["photos"]),
        frozenset(document["user_ids"]),
        # an earlier facerec kept no display names
        frozenset(document.get("user_names", ())),
        document["created_before"],
        # nor when the collection was created
        document.get("created_at"),
        # nor a history
        cause_from_json(document["cause"]) if document.get("cause") else None,
    )


@dataclass(frozen=True, slots=True)
class ErasedJob:
    """Counts of what was removed from a job folder.

    Attributes:
        job_id: the job.
        embeddings: embeddings with their records.
        rows: rows of the ledger, and of lists of failures, that named the face or the photo.
        manifest_lines: lines of the manifest that facerec listed for the job.
        files: files of a folder that was deleted as a whole; 0 for a folder that was kept.
    """

    job_id: str
    embeddings: int = 0
    rows: int = 0
    manifest_lines: int = 0
    files: int = 0

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was removed."""
        return not (self.embeddings or self.rows or self.manifest_lines or self.files)


@dataclass(frozen=True, slots=True)
class KeptByJob:
    """The data in a job folder that a selection selects.

    Attributes:
        job_id: the job, or the name of the folder of what all jobs of a collection remember.
        rows: rows of its ledger, in the form of ``schemas/ledger-row.json``.
        faces: faces with their embeddings.
        photos: photos that its lists name, in the form of ``photo`` in ``schemas/export.json``.
    """

    job_id: str
    rows: tuple[dict[str, Any], ...] = field(repr=False)
    faces: tuple[StoredFace, ...]
    photos: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the folder keeps nothing."""
        return not (self.rows or self.faces or self.photos)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Counts of what an erasure removed from each store; contains nothing biometric and no name.

    An erasure that was killed is completed later. Its counts may then be too low.

    Attributes:
        erasure_id: id of the erasure; ids sort by time.
        collection_id: the collection.
        subject: what was to be erased.
        status: RUNNING until everything is erased, or ABANDONED.
        requested_at: seconds since 1970, UTC.
        finished_at: seconds since 1970, UTC; None while it is running.
        faces: faces with their embeddings in the store.
        users: people.
        user_vectors: vectors of people who were removed, or computed again without the faces.
        corrections: statements that a face does not show a person.
        answers: answers kept for idempotency tokens.
        history: entries of the history that named somebody.
        jobs: what was removed from the folders of jobs.
    """

    erasure_id: str
    collection_id: str
    subject: SubjectKind
    status: ErasureStatus
    requested_at: float
    finished_at: float | None = None
    faces: int = 0
    users: int = 0
    user_vectors: int = 0
    corrections: int = 0
    answers: int = 0
    history: int = 0
    jobs: tuple[ErasedJob, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was removed."""
        counts = (self.faces, self.users, self.user_vectors, self.corrections, self.answers)
        return not (any((*counts, self.history)) or self.jobs)

    def finished(self, now: float) -> Receipt:
        """Return the receipt of the finished erasure."""
        return replace(self, status=ErasureStatus.DONE, finished_at=now)

    def to_json(self) -> dict[str, Any]:
        """Return the receipt in the form of ``schemas/receipt.json``."""
        return {
            "erasure_id": self.erasure_id,
            "collection_id": self.collection_id,
            "subject": str(self.subject),
            "status": str(self.status),
            "requested_at": iso_time(self.requested_at),
            "finished_at": None if self.finished_at is None else iso_time(self.finished_at),
            "faces": self.faces,
            "users": self.users,
            "user_vectors": self.user_vectors,
            "corrections": self.corrections,
            "answers": self.answers,
            "history": self.history,
            "jobs": [asdict(job) for job in self.jobs],
        }

    def to_stored_json(self) -> dict[str, Any]:
        """Return the receipt in its stored form, with times as numbers."""
        times = {"requested_at": self.requested_at, "finished_at": self.finished_at}
        return {**self.to_json(), **times}


def receipt_from_json(document: Mapping[str, Any]) -> Receipt:
    """Return the receipt of a document that ``Receipt.to_stored_json`` returned."""
    fields = dict(document)
    fields["subject"] = SubjectKind(document["subject"])
    fields["status"] = ErasureStatus(document["status"])
    fields["jobs"] = tuple(ErasedJob(**job) for job in document["jobs"])
    return Receipt(**fields)
