"""The history of people: who changed what, when and why.

An operation on people opens an entry (``recording``). Each change that a store makes for it becomes
a step of the entry, which the store writes in the transaction of the change. Entries are only
added; an erasure removes what names somebody from them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the records of people change: an operation, and who asked for it.

    Attributes:
        entry_id: id of the entry; ids sort by time.
        action: the operation.
        at: seconds since 1970, UTC.
        by: who asked for it, or None if that is not known.
        why: the reason that was stated, or None.
        undoes: id of the entry that the operation takes back, or None.
        into: the person who has all faces after a merge; None for other operations.
    """

    entry_id: str
    action: Action
    at: float
    by: str | None = None
    why: str | None = field(default=None, repr=False)
    undoes: str | None = None
    into: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the cause as JSON values, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def cause_from_json(document: Mapping[str, Any]) -> Cause:
    """Return the cause of a document that ``Cause.to_json`` returned."""
    return Cause(**{**document, "action": Action(document["action"])})


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the records. A repr never contains a display name.

    Attributes:
        kind: what was changed.
        user_id: the person; for moved faces, the one who has them afterwards.
        other_id: the person who had moved faces before.
        created_at: when a created or deleted person was created, seconds since 1970.
        name: display name of a created, deleted or renamed person, after the change.
        earlier_name: display name of a renamed person before the change.
        face_ids: the faces; for a deleted person, those that the person had.
        person: whom a corrected face does not show.
        cluster: number of an ignored cluster.
        erased: whether an erasure removed the person from the step.
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


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the history: one operation, with its steps in order."""

    cause: Cause
    steps: tuple[Step, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """What the entry is found by: people, names, faces, and the entry that it takes back."""
        found = {face_id for step in self.steps for face_id in step.face_ids}
        for step in self.steps:
            found |= step.people
        named = (self.cause.undoes, self.cause.into)
        return frozenset(found).union(name for name in named if name is not None)

    @property
    def is_erased(self) -> bool:
        """Whether an erasure removed a person from it."""
        return any(step.erased for step in self.steps)


def encode_step(cause: Cause, step: Step) -> str:
    """Return a step with its cause as the text that stores keep."""
    document = {"cause": cause.to_json(), "step": step.to_json()}
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def decode_steps(texts: Iterable[str]) -> list[Entry]:
    """Return the entries of texts of ``encode_step``, in the order of their first steps."""
    causes: dict[str, Cause] = {}
    steps: dict[str, list[Step]] = {}
    for text in texts:
        document = json.loads(text)
        cause = cause_from_json(document["cause"])
        causes.setdefault(cause.entry_id, cause)
        steps.setdefault(cause.entry_id, []).append(step_from_json(document["step"]))
    return [Entry(cause, tuple(steps[entry_id])) for entry_id, cause in causes.items()]


def without_names(
    entries: Iterable[Entry], *, people: Collection[str], face_ids: Collection[str]
) -> tuple[list[Entry], frozenset[str]]:
    """Remove erased people and faces from entries.

    Whoever was merged into an erased person goes too, unless that was undone, and so does a deleted
    person of whose faces none is left. Reasons go with the people: they may name them in their own
    words.

    Args:
        entries: the entries of a collection.
        people: ids, names and external image ids of people who are erased.
        face_ids: ids of erased faces.

    Returns:
        The entries that have changed, as they are then, and the names that were removed.
    """
    known = list(entries)
    gone_faces = frozenset(face_ids)
    gone = set(people) | gone_faces
    undone = _undone(known)
    size = -1
    while size != len(gone):
        size = len(gone)
        for entry in known:
            merged = entry.cause.into in gone and entry.cause.entry_id not in undone
            for step in entry.steps:
                if merged or _belongs_to(step, gone, gone_faces):
                    gone |= step.people
    changed = []
    for entry in known:
        new = _without(entry, gone, gone_faces)
        if new != entry:
            changed.append(new)
    return changed, frozenset(gone) - gone_faces


def _undone(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the ids of the entries that were taken back, unless that was taken back too."""
    undone = set[str]()
    for cause in sorted((entry.cause for entry in entries), key=_entry_id, reverse=True):
        if cause.undoes is not None and cause.entry_id not in undone:
            undone.add(cause.undoes)
    return frozenset(undone)


def _entry_id(cause: Cause) -> str:
    return cause.entry_id


def _belongs_to(step: Step, gone: Collection[str], gone_faces: frozenset[str]) -> bool:
    """Return whether all names of a step are of somebody who is erased."""
    if step.kind is StepKind.FACES_MOVED:
        return False
    if step.kind is StepKind.DELETED and step.face_ids and gone_faces.issuperset(step.face_ids):
        return True
    return step.user_id in gone


def _without(entry: Entry, gone: Collection[str], gone_faces: frozenset[str]) -> Entry:
    steps = tuple(_step_without(step, gone, gone_faces) for step in entry.steps)
    cause = entry.cause
    if cause.into in gone:
        cause = replace(cause, into=None)
    named = any(step.erased for step in steps) or any(name in (cause.why or "") for name in gone)
    return Entry(replace(cause, why=None) if named else cause, steps)


def _step_without(step: Step, gone: Collection[str], gone_faces: frozenset[str]) -> Step:
    left = tuple(face_id for face_id in step.face_ids if face_id not in gone_faces)
    step = replace(step, face_ids=left)
    if step.people.isdisjoint(gone):
        return step
    return replace(
        step, user_id=None, other_id=None, name=None, earlier_name=None, person=None, erased=True
    )


_CAUSE: ContextVar[Cause | None] = ContextVar("cause", default=None)
_CALLER: ContextVar[tuple[str | None, str | None]] = ContextVar("caller", default=(None, None))
_LAST_LOCK = Lock()
_LAST = [0.0]


def current_cause() -> Cause | None:
    """Return the cause of the changes that are made now; None for changes without an entry."""
    return _CAUSE.get()


@contextmanager
def caused_by(cause: Cause | None) -> Iterator[None]:
    """Note the changes of people within the block as steps of an entry, or not at all."""
    token = _CAUSE.set(cause)
    try:
        yield
    finally:
        _CAUSE.reset(token)


@contextmanager
def recording(
    action: Action, now: float, *, undoes: str | None = None, into: str | None = None
) -> Iterator[Cause]:
    """Open an entry for the changes within the block; entries opened within it are part of it."""
    known = _CAUSE.get()
    if known is not None:
        yield known
        return
    by, why = _CALLER.get()
    at = _later(now)
    time = datetime.fromtimestamp(at, UTC)
    entry_id = f"{time:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"
    cause = Cause(entry_id, action, at, by, why, undoes, into)
    with caused_by(cause):
        yield cause


@contextmanager
def requested_by(by: str | None, why: str | None) -> Iterator[None]:
    """Say who asks for the changes within the block, and why."""
    token = _CALLER.set((by, why))
    try:
        yield
    finally:
        _CALLER.reset(token)


def _later(now: float) -> float:
    """Return a time that is later than that of all entries of this process, by a microsecond."""
    with _LAST_LOCK:
        at = round(now, 6)
        if at <= _LAST[0] < at + 1:
            at = round(_LAST[0] + 1e-6, 6)
        _LAST[0] = at
        return at
