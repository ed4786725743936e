"""Plans the steps that undo an entry of the history, or refuses with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from facerec.core.history import Entry, Step, StepKind
from facerec.core.records import Correction, User
from facerec.core.registrations import registration_from_text
from facerec.errors import PersonChangeError
from facerec.gallery.people.associations import MAX_FACES_OF_USER

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore

Value = TypeVar("Value")

_OPPOSITES = {
    StepKind.FACES_ADDED: StepKind.FACES_REMOVED,
    StepKind.CORRECTED: StepKind.CORRECTION_LIFTED,
    StepKind.IGNORED: StepKind.IGNORED_LIFTED,
    StepKind.NOT_A_FACE: StepKind.NOT_A_FACE_LIFTED,
}
_OPPOSITES |= {opposite: kind for kind, opposite in _OPPOSITES.items()}


@dataclass
class People:
    """The current state of the people, faces, corrections and clusters that an entry names.

    Attributes:
        users: People by id.
        user_of_name: Returns the id of the person with a given display name, or None.
        owners: Ids of the people of the entry's faces, by face id.
        stored: Ids of the entry's faces that are still stored.
        corrections: Corrections of the entry's faces.
        ignored: Numbers of ignored clusters.
        not_faces: Ids of the faces that were marked as not a face.
    """

    users: dict[str, User]
    user_of_name: Callable[[str], str | None]
    owners: dict[str, str]
    stored: frozenset[str]
    corrections: set[Correction]
    ignored: set[int] = field(default_factory=set)
    not_faces: set[str] = field(default_factory=set)


def read_people(
    collection_id: str, entry: Entry, *, records: RecordStore, stored: frozenset[str]
) -> People:
    """Read the current state of an entry's people, faces and corrections, but not of clusters."""
    ids = {name for step in entry.steps for name in (step.user_id, step.other_id) if name}
    face_ids = sorted(faces_of(entry))
    users = records.get_users(collection_id, sorted(ids))

    def user_of_name(name: str) -> str | None:
        user = records.get_user_named(collection_id, name)
        return None if user is None else user.user_id

    return People(
        {user.user_id: user for user in users},
        user_of_name,
        records.users_of_faces(collection_id, face_ids) if face_ids else {},
        stored,
        set(records.corrections_of_faces(collection_id, face_ids) if face_ids else ()),
    )


def faces_of(entry: Entry) -> frozenset[str]:
    """Return the ids of the faces of an entry."""
    return frozenset(face_id for step in entry.steps for face_id in step.face_ids)


def plan_undo(entry: Entry, people: People, *, resumes: bool) -> list[Step]:
    """Return the steps that undo an entry, in order.

    Args:
        entry: The entry.
        people: State before the steps; changed to the state after them.
        resumes: Whether an earlier attempt may have performed some of the steps.

    Raises:
        PersonChangeError: The entry no longer applies, or has already been undone.
    """
    if entry.is_erased:
        raise _refusal(entry, "it names somebody who was erased", "nothing can undo it any more")
    planner = _Planner(entry, people, resumes)
    for step in reversed(entry.steps):
        for inverse in _inverses(step):
            planner.add(inverse)
    planner.check()
    return planner.steps


def _inverses(step: Step) -> list[Step]:
    """Return the steps that undo a step."""
    match step.kind:
        case StepKind.CREATED:
            return [replace(step, kind=StepKind.DELETED)]
        case StepKind.DELETED:
            created = replace(step, kind=StepKind.CREATED, face_ids=())
            added = Step(StepKind.FACES_ADDED, step.user_id, face_ids=step.face_ids)
            return [created, added]
        case StepKind.RENAMED:
            return [replace(step, name=step.earlier_name, earlier_name=step.name)]
        case StepKind.FACES_MOVED:
            return [replace(step, user_id=step.other_id, other_id=step.user_id)]
        case StepKind.REGISTRATION_SET:
            before, after = step.earlier_registration, step.registration
            return [replace(step, registration=before, earlier_registration=after)]
    return [replace(step, kind=_OPPOSITES[step.kind])]


class _Planner:
    """Checks steps, one at a time, against the state that they will be applied to."""

    def __init__(self, entry: Entry, people: People, resumes: bool) -> None:
        self.steps: list[Step] = []
        self._entry, self._people, self._resumes = entry, people, resumes

    def add(self, step: Step) -> None:
        match step.kind:
            case StepKind.CREATED:
                needed = self._create(step)
            case StepKind.DELETED:
                needed = self._delete(step)
            case StepKind.RENAMED:
                needed = self._rename(step)
            case StepKind.REGISTRATION_SET:
                needed = self._register(step)
            case StepKind.FACES_ADDED | StepKind.FACES_REMOVED | StepKind.FACES_MOVED:
                step = self._change_faces(step)
                needed = bool(step.face_ids)
            case StepKind.CORRECTED | StepKind.CORRECTION_LIFTED:
                needed = self._correct(step)
            case StepKind.IGNORED | StepKind.IGNORED_LIFTED:
                needed = self._set(step.cluster or 0, self._people.ignored, StepKind.IGNORED, step)
            case StepKind.NOT_A_FACE | StepKind.NOT_A_FACE_LIFTED:
                marked = self._people.not_faces
                left = tuple(
                    face_id
                    for face_id in step.face_ids
                    if face_id in self._people.stored
                    and self._set(face_id, marked, StepKind.NOT_A_FACE, step)
                )
                step, needed = replace(step, face_ids=left), bool(left)
        if needed:
            self.steps.append(step)

    def check(self) -> None:
        """Check the state after the steps.

        Raises:
            PersonChangeError: The steps contradict the state, or there are none.
        """
        for step in self.steps:
            face_id = step.face_ids[0] if step.face_ids else ""
            owner = self._people.owners.get(face_id)
            if step.kind is StepKind.CORRECTED and owner == step.person:
                raise self._refused(f"face {face_id} belongs to person {owner!r}")
            if step.kind is StepKind.NOT_A_FACE and owner is not None:
                raise self._refused(f"face {face_id} belongs to person {owner!r}")
        if not self.steps:
            self._require_resumed("nothing of the change is left")
            raise _refusal(
                self._entry, "it has already been undone", "undo the newer entry, which undid it"
            )

    def _create(self, step: Step) -> bool:
        user_id = step.user_id or ""
        known = self._people.users.get(user_id)
        if known is not None:
            if known.created_at == step.created_at:
                self._require_resumed(f"person {user_id!r} already exists")
                return False
            raise self._refused(f"another person has the id {user_id!r} now")
        if step.name is not None and self._people.user_of_name(step.name) is not None:
            raise self._refused(f"another person has the name of {user_id!r} now")
        self._people.users[user_id] = User(user_id, step.created_at or 0.0, name=step.name)
        return True

    def _delete(self, step: Step) -> bool:
        user_id = step.user_id or ""
        known = self._people.users.get(user_id)
        if known is None:
            self._require_resumed(f"person {user_id!r} has since been deleted")
            return False
        if known.created_at != step.created_at:
            raise self._refused(f"another person has the id {user_id!r} now")
        if known.name != step.name:
            raise self._refused(f"person {user_id!r} has since been renamed")
        if known.face_ids:
            raise self._refused(f"person {user_id!r} has other faces now")
        if known.registration is not None:
            raise self._refused(f"person {user_id!r} has since been registered")
        del self._people.users[user_id]
        return True

    def _rename(self, step: Step) -> bool:
        user = self._user(step.user_id)
        if user.name == step.name:
            self._require_resumed(f"person {user.user_id!r} has since been renamed")
            return False
        if user.name != step.earlier_name:
            raise self._refused(f"person {user.user_id!r} has since been renamed")
        if step.name is not None and self._people.user_of_name(step.name) is not None:
            raise self._refused("another person now has the earlier name")
        self._people.users[user.user_id] = replace(user, name=step.name)
        return True

    def _register(self, step: Step) -> bool:
        user = self._user(step.user_id)
        before = registration_from_text(step.earlier_registration)
        after = registration_from_text(step.registration)
        if user.registration == after:
            self._require_resumed(f"the registration of {user.user_id!r} has since been changed")
            return False
        if user.registration != before:
            raise self._refused(f"the registration of {user.user_id!r} has since been changed")
        self._people.users[user.user_id] = replace(user, registration=after)
        return True

    def _change_faces(self, step: Step) -> Step:
        """Move the faces of a step to or from its person in the planned state.

        Returns:
            The step with only the faces that were moved.
        """
        before = None if step.kind is StepKind.FACES_ADDED else step.user_id
        after = None if step.kind is StepKind.FACES_REMOVED else step.user_id
        if step.kind is StepKind.FACES_MOVED:
            before = step.other_id
        changed = [each for each in step.face_ids if self._is_to_change(each, before, after)]
        if changed:
            self._move(changed, before, after)
        return replace(step, face_ids=tuple(changed))

    def _is_to_change(self, face_id: str, before: str | None, after: str | None) -> bool:
        owner = self._people.owners.get(face_id)
        if face_id not in self._people.stored and owner is None:
            return False
        if owner == after:
            self._require_resumed(f"the person of face {face_id} has since been changed")
            return False
        if owner != before:
            raise self._refused(f"face {face_id} has another person now")
        return True

    def _move(self, changed: Sequence[str], before: str | None, after: str | None) -> None:
        people = self._people
        for user_id, gains in ((before, False), (after, True)):
            if user_id is None:
                continue
            user = self._user(user_id)
            own = tuple(face_id for face_id in user.face_ids if face_id not in changed)
            face_ids = (*own, *changed) if gains else own
            if len(face_ids) > MAX_FACES_OF_USER:
                raise self._refused(f"person {user_id!r} would have too many faces")
            people.users[user_id] = replace(user, face_ids=face_ids)
        for face_id in changed:
            if after is None:
                del people.owners[face_id]
            else:
                people.owners[face_id] = after

    def _correct(self, step: Step) -> bool:
        if not step.face_ids or step.face_ids[0] not in self._people.stored:
            return False
        correction = Correction(step.face_ids[0], step.person or "")
        return self._set(correction, self._people.corrections, StepKind.CORRECTED, step)

    def _set(self, value: Value, held: set[Value], adding: StepKind, step: Step) -> bool:
        """Add a step's value to a set, or remove it; return whether the set changed."""
        if (value in held) == (step.kind is adding):
            self._require_resumed("its correction or mark has since been changed")
            return False
        if step.kind is adding:
            held.add(value)
        else:
            held.remove(value)
        return True

    def _user(self, user_id: str | None) -> User:
        user = self._people.users.get(user_id or "")
        if user is None:
            raise self._refused(f"person {user_id!r} has since been deleted")
        return user

    def _require_resumed(self, reason: str) -> None:
        """Raise an error with a reason, unless an earlier attempt may have performed this step."""
        if not self._resumes:
            raise self._refused(reason)

    def _refused(self, reason: str) -> PersonChangeError:
        return _refusal(self._entry, reason, "undo later changes first, newest first")


def _refusal(entry: Entry, reason: str, hint: str) -> PersonChangeError:
    return PersonChangeError(f"entry {entry.cause.entry_id} cannot be undone: {reason}", hint)


def undone_people(steps: Sequence[Step]) -> list[str]:
    """Return the ids of the people whose faces the steps change."""
    changed = (StepKind.FACES_ADDED, StepKind.FACES_REMOVED, StepKind.FACES_MOVED)
    ids = {
        user_id
        for step in steps
        if step.kind in changed
        for user_id in (step.user_id, step.other_id)
        if user_id is not None
    }
    return sorted(ids)
