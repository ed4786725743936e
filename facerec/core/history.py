"""The history of people: who changed what, when and why.

An operation on people opens an entry (``facerec.core.recording``). Each change that a store makes
for it becomes a step of the entry, which the store writes in the transaction of the change. Entries
are deleted when they expire and with their collection. Only an erasure changes them: it removes
people and faces from them (``facerec.core.erased_history``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facerec.core.records import Correction, User
    from facerec.core.registrations import Registration

ENTRY_ID_PATTERN = r"^[0-9]{8}T[0-9]{12}Z-[0-9a-f]{4}$"
"""Regular expression of the id of an entry: the time of the change, and a random number."""


class Action(StrEnum):
    """An operation that changes people."""

    CREATE = "CREATE"
    RENAME = "RENAME"
    DELETE = "DELETE"
    MERGE = "MERGE"
    SPLIT = "SPLIT"
    ADD_FACES = "ADD_FACES"
    REMOVE_FACES = "REMOVE_FACES"
    ENROL = "ENROL"
    NAME_CLUSTER = "NAME_CLUSTER"
    NOT_SAME = "NOT_SAME"
    IGNORE = "IGNORE"
    NOT_A_FACE = "NOT_A_FACE"
    REGISTER = "REGISTER"
    UNREGISTER = "UNREGISTER"
    UNDO = "UNDO"


class StepKind(StrEnum):
    """A change of the records of people."""

    CREATED = "CREATED"
    DELETED = "DELETED"
    RENAMED = "RENAMED"
    FACES_ADDED = "FACES_ADDED"
    FACES_REMOVED = "FACES_REMOVED"
    FACES_MOVED = "FACES_MOVED"
    CORRECTED = "CORRECTED"
    CORRECTION_LIFTED = "CORRECTION_LIFTED"
    IGNORED = "IGNORED"
    IGNORED_LIFTED = "IGNORED_LIFTED"
    NOT_A_FACE = "NOT_A_FACE"
    NOT_A_FACE_LIFTED = "NOT_A_FACE_LIFTED"
    REGISTRATION_SET = "REGISTRATION_SET"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the records of people change: an operation, its requester and the reason.

    Attributes:
        entry_id: Id of the entry; ids sort by time.
        action: The operation.
        at: Seconds since 1970, UTC.
        by: Name of the requester, or None if it is not known.
        why: The reason that was stated, or None.
        undoes: Id of the entry that the operation undoes, or None.
        into: The person who has all faces after a merge; None for other operations.
    """

    entry_id: str
    action: Action
    at: float
    by: str | None = None
    why: str | None = field(default=None, repr=False)
    undoes: str | None = None
    into: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the cause as JSON values, without fields that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def cause_from_json(document: Mapping[str, Any]) -> Cause:
    """Return the cause of a document that ``Cause.to_json`` returned."""
    return Cause(**{**document, "action": Action(document["action"])})


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the records. A repr never contains a display name.

    Attributes that the kind does not need have their defaults.

    Attributes:
        kind: The kind of change.
        user_id: The person; for moved faces, the one who has them afterwards.
        other_id: For moved faces, the person who had them before.
        created_at: When a created or deleted person was created, seconds since 1970.
        name: Display name of a created, deleted or renamed person, after the change.
        earlier_name: Display name of a renamed person before the change.
        face_ids: The faces; for a deleted person, those that the person had.
        person: The person whom a corrected face does not show.
        cluster: Number of a cluster that is ignored, or no longer ignored.
        registration: Days of consent and expiry after the change, ``YYYY-MM-DD/YYYY-MM-DD``; None
            if the person is not registered.
        earlier_registration: The same before the change.
        erased: Whether an erasure removed the person from the step.
    """

    kind: StepKind
    user_id: str | None = None
    other_id: str | None = None
    created_at: float | None = None
    name: str | None = field(default=None, repr=False)
    earlier_name: str | None = field(default=None, repr=False)
    face_ids: tuple[str, ...] = ()
    person: str | None = None
    cluster: int | None = None
    registration: str | None = None
    earlier_registration: str | None = None
    erased: bool = False

    @property
    def people(self) -> frozenset[str]:
        """Ids and names of the people of the step."""
        named = (self.user_id, self.other_id, self.person, self.name, self.earlier_name)
        return frozenset(name for name in named if name is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the step as JSON values, without fields that have their default."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, (), False)}


def step_from_json(document: Mapping[str, Any]) -> Step:
    """Return the step of a document that ``Step.to_json`` returned."""
    values = {
        **document,
        "kind": StepKind(document["kind"]),
        "face_ids": tuple(document.get("face_ids", ())),
    }
    return Step(**values)


def deletion_step(user: User) -> Step:
    """Return the step that deletes a person."""
    return Step(
        StepKind.DELETED,
        user.user_id,
        created_at=user.created_at,
        name=user.name,
        face_ids=user.face_ids,
    )


def correction_step(kind: StepKind, correction: Correction) -> Step:
    """Return the step that adds or lifts a correction: ``CORRECTED`` or ``CORRECTION_LIFTED``."""
    return Step(kind, face_ids=(correction.face_id,), person=correction.person)


def registration_step(user: User, registration: Registration | None) -> Step:
    """Return the step that sets or removes the registration of a person."""
    earlier = user.registration
    return Step(
        StepKind.REGISTRATION_SET,
        user.user_id,
        registration=None if registration is None else registration.to_text(),
        earlier_registration=None if earlier is None else earlier.to_text(),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the history: one operation, with its steps in order."""

    cause: Cause
    steps: tuple[Step, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """Keys by which the entry is found: people, names, faces, and the entry that it undoes."""
        found = {face_id for step in self.steps for face_id in step.face_ids}
        for step in self.steps:
            found |= step.people
        named = (self.cause.undoes, self.cause.into)
        return frozenset(found).union(name for name in named if name is not None)

    @property
    def people(self) -> frozenset[str]:
        """Ids of the people of the entry, and other names of people whom faces do not show."""
        named = (each for s in self.steps for each in (s.user_id, s.other_id, s.person))
        return frozenset(each for each in named if each is not None)

    @property
    def is_erased(self) -> bool:
        """Whether an erasure removed a person from the entry."""
        return any(step.erased for step in self.steps)


def encode_step(cause: Cause, step: Step) -> str:
    """Return a step with its cause as the text that stores keep."""
    document = {"cause": cause.to_json(), "step": step.to_json()}
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def decode_steps(texts: Iterable[str]) -> list[Entry]:
    """Return the entries in texts of ``encode_step``, in the order of their first steps."""
    causes: dict[str, Cause] = {}
    steps: dict[str, list[Step]] = {}
    for text in texts:
        document = json.loads(text)
        cause = cause_from_json(document["cause"])
        causes.setdefault(cause.entry_id, cause)
        steps.setdefault(cause.entry_id, []).append(step_from_json(document["step"]))
    return [Entry(cause, tuple(steps[entry_id])) for entry_id, cause in causes.items()]
