"""Erasures: the selection of data to erase from a collection, and the receipt of an erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facerec.core.history import Action, Cause, cause_from_json
from facerec.core.ids import group_of
from facerec.core.json_fields import of_type, optional_time, text, texts, time
from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.core.records import StoredFace

ERASURE_ID_PATTERN = r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$"
"""Regular expression of the id of an erasure: the time of the request, and a random number."""


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
    """The erasure's damaged record was removed; some of the data may not have been erased."""


@dataclass(frozen=True, slots=True, repr=False)
class Selection:
    """A selection of data to erase from a collection. A repr never contains a name.

    Attributes:
        face_ids: Ids of faces.
        image_keys: Image keys of photos that lose all their faces. Faces that jobs found in them
            with other options are erased too, since a repair would restore them.
        external_image_ids: External image ids whose ledger rows and manifest lines are erased too.
        photos: Paths or addresses of photos whose ledger rows and manifest lines are erased too.
        user_ids: Ids of people to erase.
        user_names: Display names of these people, erased with them.
        created_before: Erases the whole collection; None erases only the selected data. It is the
            time, in seconds since 1970, with which earlier releases compared the creation of the
            collection. Their records are still compared with it; see ``collections``.
        created_at: Creation time of the collection, in seconds since 1970. It identifies the
            collection: another one with the same id is not changed. None if an earlier release
            recorded the erasure.
        collections: If a whole collection is erased, its creation time, and the creation times of
            earlier collections with its id that had data in job folders when the erasure began.
            Other collections are kept, regardless of their times. None if an earlier release
            recorded the erasure.
        is_returned: Whether the collection was deleted before, and an older copy of the database
            brought it back.
        latest: Latest time at which a selected face was indexed or a selected person was created,
            in seconds since 1970; 0 if none is stored. The clock of another machine may have been
            ahead.
        cause: The entry of the history that the deletion of people belongs to, or None; see
            ``erases_names``.
        tombstones: Whether later jobs must not add the faces again.
        only_empty_users: Whether people are erased only if, when they are deleted, they have no
            faces other than ``face_ids``.
        faces_of_users: Whether all faces of the people are erased, also those that they get until
            they are deleted.
        people: Ids and creation times of the selected people who existed when the erasure began,
            and are not deleted yet. Others with these ids were created later, and are kept. None if
            an earlier release recorded the erasure.
    """

    face_ids: frozenset[str] = frozenset()
    image_keys: frozenset[str] = frozenset()
    external_image_ids: frozenset[str] = frozenset()
    photos: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()
    user_names: frozenset[str] = frozenset()
    created_before: float | None = None
    created_at: float | None = None
    collections: frozenset[float] | None = None
    is_returned: bool = False
    latest: float = 0.0
    cause: Cause | None = None
    tombstones: bool = True
    only_empty_users: bool = False
    faces_of_users: bool = False
    people: frozenset[tuple[str, float]] | None = None

    @property
    def erases_collection(self) -> bool:
        """Whether the whole collection is erased, and not only the selected data."""
        return self.created_before is not None

    def includes_collection(self, created_at: float) -> bool:
        """Return whether the collection of this id with a creation time is erased as a whole."""
        if self.created_before is None:
            return False
        if self.collections is not None:
            return created_at in self.collections
        # a record of an earlier release
        return created_at <= (self.created_before if self.created_at is None else self.created_at)

    @property
    def creations(self) -> dict[str, float | None]:
        """Creation times of the people to delete, by id; None deletes anybody with the id."""
        if self.people is None:
            return dict.fromkeys(self.user_ids)
        return dict(self.people)

    @property
    def erases_names(self) -> bool:
        """Whether the names are removed from the history too.

        False if a merge or an undo removes the people.
        """
        return self.cause is None or self.cause.action is Action.DELETE

    @property
    def names_photos(self) -> bool:
        """Whether photos are erased, and not only faces by their ids."""
        return bool(self.external_image_ids or self.photos)

    def contains_face(self, face_id: str) -> bool:
        """Return whether a face is selected, by its id or with its whole photo."""
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
            "collections": None if self.collections is None else sorted(self.collections),
            "is_returned": self.is_returned,
            "latest": self.latest,
            "cause": None if self.cause is None else self.cause.to_json(),
            "tombstones": self.tombstones,
            "only_empty_users": self.only_empty_users,
            "faces_of_users": self.faces_of_users,
            "people": None if self.people is None else sorted(map(list, self.people)),
        }


def selection_from_json(document: Mapping[str, Any]) -> Selection:
    """Return the selection of a document that ``Selection.to_json`` returned.

    Raises:
        ValueError, KeyError, TypeError or AttributeError: The document is damaged.
    """
    people, collections = document.get("people"), document.get("collections")
    return Selection(
        frozenset(texts(document["face_ids"])),
        frozenset(texts(document["image_keys"])),
        frozenset(texts(document["external_image_ids"])),
        frozenset(texts(document["photos"])),
        frozenset(texts(document["user_ids"])),
        # earlier releases stored no display names
        frozenset(texts(document.get("user_names", []))),
        optional_time(document["created_before"]),
        # earlier releases stored no creation time
        optional_time(document.get("created_at")),
        # earlier releases stored no creation times of earlier collections
        None if collections is None else frozenset(map(time, of_type(list, collections))),
        of_type(bool, document.get("is_returned", False)),
        time(document.get("latest", 0.0)),
        # earlier releases had no history
        None if document.get("cause") is None else _stored_cause(document["cause"]),
        of_type(bool, document.get("tombstones", True)),
        of_type(bool, document.get("only_empty_users", False)),
        of_type(bool, document.get("faces_of_users", False)),
        # earlier releases stored no creation times of people
        None
        if people is None
        else frozenset((text(user_id), time(created)) for user_id, created in people),
    )


def _stored_cause(document: Mapping[str, Any]) -> Cause:
    cause = cause_from_json(document)
    time(cause.at)
    named = (cause.by, cause.why, cause.undoes, cause.into)
    texts([cause.entry_id, *(each for each in named if each is not None)])
    return cause


@dataclass(frozen=True, slots=True)
class ErasedJob:
    """Counts of the data removed from a job folder.

    Attributes:
        job_id: The job.
        embeddings: Number of embeddings, removed with their records.
        rows: Number of rows of the ledger, and of lists of failures, that named the face or the
            photo.
        manifest_lines: Number of lines removed from the manifest that facerec listed for the job.
        files: Number of files in the job folder if the whole folder was deleted; otherwise 0.
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
class Swept:
    """Counts of the data of a collection, or of its people, that a sweep erased.

    Attributes:
        faces: Number of faces stored for the collection after it was deleted.
        records: Number of records of the store of people, such as associations of faces.
    """

    faces: int
    records: int


@dataclass(frozen=True, slots=True)
class KeptByJob:
    """The data in a job folder that belongs to a selection.

    Attributes:
        job_id: The job, or the name of the folder that all jobs of the collection share.
        rows: Rows of its ledger, in the form of ``schemas/ledger-row.json``.
        faces: Faces with their embeddings; empty if they were not requested.
        photos: Photos that its lists name, in the form of ``photo`` in ``schemas/export.json``.
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
    """Counts of the data that an erasure removed from each store.

    A receipt contains nothing biometric and no name. An erasure that was killed is completed later.
    Its counts may then be too low.

    Attributes:
        erasure_id: Id of the erasure; ids sort by time.
        collection_id: The collection.
        subject: Kind of subject that was requested.
        status: RUNNING until everything is erased, then DONE; or ABANDONED.
        requested_at: Seconds since 1970, UTC.
        finished_at: Seconds since 1970, UTC; None while it is running.
        faces: Number of stored faces, erased with their embeddings and thumbnails.
        users: Number of erased people.
        user_vectors: Number of people's vectors that were removed, or recomputed without the faces.
        corrections: Number of statements that a face does not show a person.
        answers: Number of answers kept for idempotency tokens.
        history: Number of changed entries of the history.
        jobs: Counts of the data removed from each job folder.
        created_before: Only for the deletion of a collection that an older copy of the database
            brought back: when it was created, in seconds since 1970. None for all other erasures.
        created_at: Creation time of the collection, in seconds since 1970, if it is deleted as a
            whole. None for other erasures, and if an earlier release recorded the deletion.
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
    created_before: float | None = None
    created_at: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was removed."""
        counts = (self.faces, self.users, self.user_vectors, self.corrections, self.answers)
        return not (any((*counts, self.history)) or self.jobs)

    def finished(self, now: float) -> Receipt:
        """Return the receipt of the erasure as finished at ``now``, in seconds since 1970."""
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
        times = {
            "requested_at": self.requested_at,
            "finished_at": self.finished_at,
            "created_before": self.created_before,
            "created_at": self.created_at,
        }
        return {**self.to_json(), **times}


def receipt_from_json(document: Mapping[str, Any]) -> Receipt:
    """Return the receipt of a document that ``Receipt.to_stored_json`` returned.

    Raises:
        ValueError, KeyError, TypeError or AttributeError: The document is damaged.
    """
    members = dict(document)
    members["subject"] = SubjectKind(document["subject"])
    members["status"] = ErasureStatus(document["status"])
    members["jobs"] = tuple(ErasedJob(**job) for job in of_type(list, document["jobs"]))
    receipt = Receipt(**members)
    texts([receipt.erasure_id, receipt.collection_id, *(job.job_id for job in receipt.jobs)])
    time(receipt.requested_at)
    for each in (receipt.finished_at, receipt.created_before, receipt.created_at):
        optional_time(each)
    for counted in (asdict(receipt), *map(asdict, receipt.jobs)):
        for name, value in counted.items():
            if name in _COUNTS and (type(value) is not int or value < 0):
                raise ValueError(f"{name} is not a count")
    return receipt


_COUNTS = frozenset(
    each.name for kind in (Receipt, ErasedJob) for each in fields(kind) if each.type == "int"
)
"""Fields of receipts and of their jobs that contain numbers of what was removed."""
