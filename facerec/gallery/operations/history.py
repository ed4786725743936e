"""Operations on the history of people: who changed what, when and why, and undoing it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.history import ENTRY_ID_PATTERN, Action, Entry, Step, StepKind
from facerec.core.limits import DEFAULT_HISTORY, MAX_HISTORY
from facerec.core.names import (
    MAX_NAME_LENGTH,
    checked_reason,
    checked_requester,
    checked_user_name,
    shown_name,
)
from facerec.core.recording import recording, requested_by
from facerec.core.records import Correction, User
from facerec.core.registrations import registration_from_text
from facerec.errors import HistoryEntryNotFoundError, InvalidInputError, UserNotFoundError
from facerec.gallery.deferred import collection_results
from facerec.gallery.operations.clusters import ClusterOperations
from facerec.gallery.operations.registrations import RegistrationOperations
from facerec.gallery.paging import checked_limit, listing_of
from facerec.gallery.people.names import display_names, names_in_history

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.gallery.collection_results import HistoryPage
    from facerec.gallery.people import undoing
else:
    undoing = DeferredModule("facerec.gallery.people.undoing")


class HistoryOperations(RegistrationOperations, ClusterOperations):
    """The operations of a gallery on the history of people."""

    def requested_by(
        self, by: str | None, *, why: str | None = None
    ) -> AbstractContextManager[None]:
        """Return a context manager that records who requests changes of people, and why.

        Args:
            by: Name of the requester, for the history; None if it is not known.
            why: The reason, in one line.

        Raises:
            InvalidInputError: The name or the reason is empty, too long, or has characters that
                ``checked_user_name`` refuses, such as line breaks.
        """
        return requested_by(
            None if by is None else checked_requester(by),
            None if why is None else checked_reason(why),
        )

    def list_history(
        self,
        collection_id: str,
        *,
        person: str | None = None,
        next_token: str | None = None,
        limit: int = DEFAULT_HISTORY,
    ) -> HistoryPage:
        """Return a page of the changes of people, newest first.

        Args:
            collection_id: Id of the collection.
            person: Return only changes of this person: an id, or a current or earlier display
                name.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of entries, 1 to ``MAX_HISTORY``.

        Raises:
            InvalidInputError: ``collection_id`` or ``limit`` is not valid, or ``person`` is empty
                or too long.
            AmbiguousPersonError: ``person`` is the id of one person and the name of another.
            CollectionNotFoundError: The collection does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_HISTORY)
        collection = self._get(collection_id)
        if person is not None and not 1 <= len(person) <= MAX_NAME_LENGTH:
            raise InvalidInputError(
                f"invalid person {shown_name(person, MAX_NAME_LENGTH)}",
                f"use an id or a name, which has 1 to {MAX_NAME_LENGTH} characters",
            )
        listing = listing_of("history", collection, person)
        before = self._after(listing, next_token)
        subject = None if person is None else self._id_in_history(collection_id, person)
        found = self._records.list_history(
            collection_id, subject=subject, before=before, limit=limit + 1
        )
        page = tuple(found[:limit])
        token = None
        if len(found) > limit:
            token = self._token(listing, page[-1].cause.entry_id)
        names = names_in_history(collection_id, page, records=self._records)
        return collection_results.HistoryPage(collection_id, page, token, subject, names)

    def display_names(self, collection_id: str, user_ids: Iterable[str]) -> dict[str, str]:
        """Return the display names of people by id; people without one are omitted.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        self._get(collection_id)
        return display_names(collection_id, user_ids, records=self._records)

    def undo(self, collection_id: str, entry_id: str) -> Entry:
        """Undo a change of people; return the new history entry, which can itself be undone.

        After an interruption, the same call completes the undo.

        Args:
            collection_id: Id of the collection.
            entry_id: Id of an entry of the history.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            HistoryEntryNotFoundError: The history has no such entry.
            PersonChangeError: Later changes prevent this, the entry has already been undone, or
                somebody whom it names was erased. Nothing was changed.
            ConflictError: Too many concurrent changes of the people, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            FacerecError: A store fails while a person is deleted; ``resume_erasures`` completes the
                deletion.
        """
        from facerec.gallery.people.user_vectors import refresh_vector

        faces = self._faces.of(self._get_to_change(collection_id))
        with recording(Action.UNDO, self._clock(), undoes=entry_id) as cause:
            with self._records.transaction():
                well_formed = re.fullmatch(ENTRY_ID_PATTERN, entry_id)
                entry = self._records.get_history(collection_id, entry_id) if well_formed else None
                if entry is None:
                    raise HistoryEntryNotFoundError(entry_id)
                stored = self._stored(collection_id, entry)
                people = undoing.read_people(
                    collection_id, entry, records=self._records, stored=stored
                )
                if self._clusters is not None:
                    people.ignored |= self._clusters.ignored_clusters(collection_id)
                    people.not_faces |= set(self._clusters.list_not_faces(collection_id))
                steps = undoing.plan_undo(
                    entry, people, resumes=self._is_begun(collection_id, entry_id)
                )
                for step in steps:
                    self._apply(collection_id, step)
            for user in self._records.get_users(collection_id, undoing.undone_people(steps)):
                with suppress(UserNotFoundError):
                    refresh_vector(faces, self._records, collection_id, user)
            # The vectors of people without faces have been removed.
            deleted = frozenset(
                step.user_id or "" for step in steps if step.kind is StepKind.DELETED
            )
            if deleted:
                # A person who was given another face in the meantime stays.
                self._delete_if_empty(collection_id, deleted)
            done = self._records.get_history(collection_id, cause.entry_id)
        return done or Entry(cause, tuple(steps))

    def _id_in_history(self, collection_id: str, person: str) -> str:
        """Return the id of the person with an id or name, even if only the history still has it.

        A text that is neither an id nor a name in the history or the collection is returned
        unchanged.
        """
        with suppress(UserNotFoundError):
            return self.resolve_user(collection_id, person).user_id
        with suppress(InvalidInputError):
            person = checked_user_name(person)
        found = self._records.list_history(collection_id, subject=person, limit=MAX_HISTORY)
        for step in (step for entry in found for step in entry.steps):
            if person in (step.name, step.earlier_name) and step.user_id is not None:
                return step.user_id
        return person

    def _stored(self, collection_id: str, entry: Entry) -> frozenset[str]:
        found = self._faces.get_faces(collection_id, sorted(undoing.faces_of(entry)))
        return frozenset(face.record.face_id for face in found)

    def _is_begun(self, collection_id: str, entry_id: str) -> bool:
        """Return whether an undo of an entry was started and has not itself been undone."""
        return any(
            not self._undoing(collection_id, each.cause.entry_id)
            for each in self._undoing(collection_id, entry_id)
        )

    def _undoing(self, collection_id: str, entry_id: str) -> list[Entry]:
        found = self._records.list_history(collection_id, subject=entry_id, limit=MAX_HISTORY)
        return [each for each in found if each.cause.undoes == entry_id]

    def _apply(self, collection_id: str, step: Step) -> None:
        """Perform a step of an undo; people are deleted later."""
        records, user_id = self._records, step.user_id or ""
        match step.kind:
            case StepKind.CREATED:
                user = User(user_id, step.created_at or 0.0, name=step.name)
                records.create_user(collection_id, user)
            case StepKind.RENAMED:
                records.set_user_name(collection_id, user_id, step.name)
            case StepKind.REGISTRATION_SET:
                registration = registration_from_text(step.registration)
                self._registration_store().set_registration(collection_id, user_id, registration)
            case StepKind.FACES_ADDED | StepKind.FACES_REMOVED:
                version = records.get_user(collection_id, user_id).version
                adds = step.kind is StepKind.FACES_ADDED
                records.change_user(
                    collection_id,
                    user_id,
                    version=version,
                    add=step.face_ids if adds else (),
                    remove=() if adds else step.face_ids,
                )
            case StepKind.FACES_MOVED:
                records.move_faces(
                    collection_id,
                    step.face_ids,
                    source=records.get_user(collection_id, step.other_id or ""),
                    target=records.get_user(collection_id, user_id),
                )
            case StepKind.CORRECTED:
                records.add_corrections(collection_id, [_correction_of(step)])
                self._take_out(collection_id, _correction_of(step))
            case StepKind.CORRECTION_LIFTED:
                self._lift(collection_id, _correction_of(step))
            case StepKind.IGNORED | StepKind.IGNORED_LIFTED:
                self._cluster_store().set_ignored(
                    collection_id, step.cluster or 0, ignored=step.kind is StepKind.IGNORED
                )
            case StepKind.NOT_A_FACE | StepKind.NOT_A_FACE_LIFTED:
                clusters = self._cluster_store()
                lift = step.kind is StepKind.NOT_A_FACE_LIFTED
                clusters.set_not_faces(collection_id, step.face_ids, lift=lift)
                clusters.leave_clusters(collection_id, step.face_ids)


def _correction_of(step: Step) -> Correction:
    return Correction(step.face_ids[0], step.person or "")
