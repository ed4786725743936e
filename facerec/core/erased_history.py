"""Removes erased people and faces from the history of people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from facerec.core.history import Cause, Entry, Step, StepKind
from facerec.core.mentions import mentions


def without_names(
    entries: Iterable[Entry], *, people: Collection[str], face_ids: Collection[str]
) -> tuple[list[Entry], frozenset[str]]:
    """Remove erased people and faces from entries.

    People who were merged into an erased person are removed too, unless the merge was undone.
    Deleted people whose faces are all erased are removed as well. The reason of a change is removed
    if the change or the reason names somebody who is removed.

    Args:
        entries: The entries of a collection.
        people: Ids, names and external image ids of people who are erased.
        face_ids: Ids of erased faces.

    Returns:
        The changed entries, and the ids and names of everybody who is removed: ``people``, and
        those found through merges, renames and erased faces.
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
    """Return the ids of undone entries, except those whose undo was itself undone."""
    undone = set[str]()
    for cause in sorted((entry.cause for entry in entries), key=_entry_id, reverse=True):
        if cause.undoes is not None and cause.entry_id not in undone:
            undone.add(cause.undoes)
    return frozenset(undone)


def _entry_id(cause: Cause) -> str:
    return cause.entry_id


def _belongs_to(step: Step, gone: Collection[str], gone_faces: frozenset[str]) -> bool:
    """Return whether all names in a step belong to erased people."""
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
    named = any(step.erased for step in steps) or mentions(cause.why or "", gone)
    return Entry(replace(cause, why=None) if named else cause, steps)


def _step_without(step: Step, gone: Collection[str], gone_faces: frozenset[str]) -> Step:
    left = tuple(face_id for face_id in step.face_ids if face_id not in gone_faces)
    step = replace(step, face_ids=left)
    if step.people.isdisjoint(gone):
        return step
    return replace(
        step,
        user_id=None,
        other_id=None,
        name=None,
        earlier_name=None,
        person=None,
        registration=None,
        earlier_registration=None,
        erased=True,
    )
