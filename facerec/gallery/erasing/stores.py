"""Erases from the stores of faces and records."""

from __future__ import annotations

import time
from collections.abc import Collection as Members
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.existing import collection_or_none
from facerec.core.recording import caused_by
from facerec.core.records import Collection, new_collection
from facerec.errors import CollectionNotFoundError, UserNotFoundError
from facerec.gallery.base import GalleryBase
from facerec.gallery.people.corrections import count_corrections, forget_corrections, names_left
from facerec.gallery.people.names import person_names
from facerec.gallery.receipts import Erasure

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt, Selection
    from facerec.core.events import KeptEvent
    from facerec.core.records import User
    from facerec.gallery.people import associations, user_vectors
    from facerec.storage.faces import FaceStore
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")


class StoreEraser(GalleryBase):
    """Erases from the stores of faces and records, but from no job folder."""

    def _stop_matching(self, erasure: Erasure) -> None:
        """End the registrations of selected people, and delete the events of selected faces.

        Other processes would otherwise send the events while job folders are changed, or after an
        interruption. If an event is being sent, wait until that attempt has ended.
        """
        store, selection = self._registrations, erasure.selection
        if store is None:
            return
        collection_id = erasure.receipt.collection_id
        whole = selection.erases_collection
        # ``_delete_empty_users`` has deleted these people; others may have been created with their
        # ids.
        chosen = {} if selection.only_empty_users else selection.creations
        if whole and not self._selected_collection(collection_id, selection)[1]:
            return
        with caused_by(selection.cause), self._records.transaction():
            people = [
                user.user_id
                for user in store.list_registered(collection_id)
                if whole or _is_selected(user, chosen)
            ]
            about = store.events_about(collection_id, people, selection.face_ids)
            for user_id in people:
                with suppress(UserNotFoundError):
                    store.set_registration(collection_id, user_id, None)
            if selection.face_ids:
                store.delete_events(collection_id, selection.face_ids)
        self._wait_until_sent(about)

    def _wait_until_sent(self, about: Iterable[KeptEvent]) -> None:
        """Wait until the running attempts to send events have ended."""
        now = self._clock()
        ends = (kept.sent_until(now) for kept in about)
        time.sleep(max((end - now for end in ends if end is not None), default=0.0))

    def _delete_empty_users(self, erasure: Erasure) -> Erasure:
        """Delete the selected people if only those without other faces are selected.

        This comes first: once somebody is deleted, nobody can add a face to them.

        Returns:
            The erasure, without the people who were given another face in the meantime.
        """
        receipt, selection = erasure.receipt, erasure.selection
        if not selection.only_empty_users:
            return erasure
        collection_id, store = receipt.collection_id, self._registrations
        own = self._faces_of(collection_id, selection)
        about: list[KeptEvent] = []
        if store is not None:
            registered = [
                user.user_id
                for user in store.list_registered(collection_id)
                if _is_selected(user, selection.creations)
            ]
            about = store.events_about(collection_id, registered, ())
        with caused_by(selection.cause):
            deleted, kept = self._delete_users(collection_id, selection, own)
        self._wait_until_sent(each for each in about if each.event.user_id not in kept)
        users = self._records.get_users(collection_id, sorted(kept))
        receipt = replace(
            receipt, users=receipt.users + deleted, user_vectors=receipt.user_vectors + deleted
        )
        selection = replace(
            selection,
            user_ids=selection.user_ids - kept,
            people=_without(selection.people, kept),
            user_names=selection.user_names - {user.name for user in users},
        )
        erasure = Erasure(receipt, selection)
        if kept:
            # Later attempts keep these people too.
            self._erasures.keep(erasure)
        return erasure

    def _erase_from_stores(self, erasure: Erasure) -> tuple[Erasure, tuple[str, ...]]:
        """Erase from the stores of faces and records.

        Returns:
            The erasure with the counts of its receipt, and the ids of the faces that were stored.
        """
        receipt, selection = erasure.receipt, erasure.selection
        stored: tuple[str, ...] = ()
        names = selection.external_image_ids | selection.photos
        # The erasure's own cause: otherwise its changes would join the entry of another operation.
        with caused_by(selection.cause):
            if selection.erases_collection:
                receipt = self._erase_collection(receipt, selection)
            else:
                own = self._without_later_people(receipt.collection_id, selection)
                receipt, stored, erased_names = self._erase_part(receipt, own)
                names |= erased_names
        if selection.erases_names:
            names |= selection.user_ids | selection.user_names
        self._faces.erase_copies(sorted(names))
        if selection.user_ids:
            # Later attempts keep people who are created with these ids from now on.
            left = self._people_left(receipt.collection_id, selection)
            selection = replace(
                selection, people=frozenset((each.user_id, each.created_at) for each in left)
            )
        return Erasure(receipt, selection), stored

    def _people_left(self, collection_id: str, selection: Selection) -> list[User]:
        """Return the selected people who still exist, except those who were created later."""
        creations = selection.creations
        users = self._records.get_users(collection_id, sorted(creations))
        return [user for user in users if _is_selected(user, creations)]

    def _without_later_people(self, collection_id: str, selection: Selection) -> Selection:
        """Return a selection without people who were created again after they had been erased."""
        ids = sorted(selection.user_ids - selection.creations.keys())
        users = self._records.get_users(collection_id, ids) if ids else []
        later = {user.user_id for user in users}
        names = {
            name
            for name in (selection.user_names if ids else ())
            if self._records.get_user_named(collection_id, name)
        }
        return replace(
            selection,
            user_ids=selection.user_ids - later,
            user_names=selection.user_names - names,
        )

    def _erase_part(
        self, receipt: Receipt, selection: Selection
    ) -> tuple[Receipt, tuple[str, ...], frozenset[str]]:
        """Erase faces and people, but not a whole collection.

        Returns:
            The receipt, the ids of the stored faces, and the names erased from the history.
        """
        collection_id, requested = receipt.collection_id, sorted(selection.face_ids)
        people = self._names_of_corrected(collection_id, requested)
        people |= selection.user_ids | selection.external_image_ids
        if selection.erases_names:
            people |= selection.user_names
        own = self._faces_of(collection_id, selection)
        stored = tuple(own.delete_faces(collection_id, requested)) if requested else ()
        if requested and self._registrations is not None:
            # A job may have stored more events before it could see the tombstones of the faces.
            self._registrations.delete_events(collection_id, requested)
        receipt = replace(receipt, faces=receipt.faces + len(stored))
        receipt = self._erase_users(receipt, selection, own)
        forgotten = forget_corrections(
            collection_id,
            gone=requested,
            people=people,
            faces=self._faces,
            records=self._records,
        )
        receipt = replace(receipt, corrections=receipt.corrections + forgotten)
        receipt, names = self._erase_history(receipt, selection, people)
        return receipt, stored, names

    def _erase_history(
        self, receipt: Receipt, selection: Selection, people: Members[str]
    ) -> tuple[Receipt, frozenset[str]]:
        """Erase deleted people and faces from the history; return the receipt and their names."""
        collection_id = receipt.collection_id
        own = selection.user_ids | selection.user_names
        sought = (selection.external_image_ids | set(people)) - own
        named = self._records.get_history_subjects(collection_id, sought)
        gone = named - names_left(
            collection_id, set(named), faces=self._faces, records=self._records
        )
        if selection.erases_names:
            gone |= own
        if not (gone or selection.face_ids):
            return receipt, frozenset()
        changed, names = self._records.erase_history(
            collection_id, people=gone, face_ids=selection.face_ids
        )
        return replace(receipt, history=receipt.history + changed), names

    def _faces_of(self, collection_id: str, selection: Selection) -> FaceStore:
        """Return the face store of the collection that a selection refers to."""
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(collection_id)
            if selection.created_at in (None, current.created_at):
                return self._faces.of(current)
        if selection.created_at is None:
            return self._faces
        return self._faces.of(new_collection(collection_id, "", selection.created_at))

    def _erase_users(self, receipt: Receipt, selection: Selection, own: FaceStore) -> Receipt:
        collection_id = receipt.collection_id
        # A concurrent request may have associated a face before it was deleted.
        changed = self._disassociate(collection_id, selection.face_ids, own) - selection.user_ids
        answers = self._records.forget_answers([*selection.face_ids, *selection.user_ids])
        users = 0
        # A person with the id of one that ``_delete_empty_users`` has deleted was created later.
        if not selection.only_empty_users:
            users, _ = self._delete_users(collection_id, selection, own)
        return replace(
            receipt,
            users=receipt.users + users,
            user_vectors=receipt.user_vectors + len(changed) + users,
            answers=receipt.answers + answers,
        )

    def _delete_users(
        self, collection_id: str, selection: Selection, own: FaceStore
    ) -> tuple[int, set[str]]:
        """Delete the selected people with their vectors.

        Returns:
            The number of deleted people, and the ids of those who are kept because they have faces
            that are not selected.
        """
        unless_faces = selection.only_empty_users or selection.faces_of_users
        creations, kept, deleted = selection.creations, set[str](), 0
        for user_id in sorted(selection.user_ids):
            # An attempt that was killed may have left the vector.
            with suppress(UserNotFoundError):
                if user_id in creations and not self._records.delete_user(
                    collection_id,
                    user_id,
                    created_at=creations[user_id],
                    no_faces_but=selection.face_ids if unless_faces else None,
                ):
                    kept.add(user_id)
                    continue
                deleted += user_id in creations
            user_vectors.delete_vector(own, collection_id, user_id)
            # Somebody who has been created with this id gets their vector again.
            associations.update_user(own, self._records, collection_id, user_id, ())
        return deleted, kept

    def _erase_collection(self, receipt: Receipt, selection: Selection) -> Receipt:
        collection_id = receipt.collection_id
        collection, exists = self._selected_collection(collection_id, selection)
        if collection is None:
            return receipt
        own = self._faces.of(collection)
        if exists:
            faces = own.count_faces(collection_id)
            users = self._records.count_users(collection_id)
            corrections = count_corrections(collection_id, records=self._records)
            receipt = replace(
                receipt, faces=faces, users=users, user_vectors=users, corrections=corrections
            )
        user_vectors.delete_vectors(own, collection_id)
        own.delete_namespace(collection_id)
        # An interrupted deletion may have left records of a collection that no longer exists.
        if exists or collection_or_none(collection_id, self._records) is None:
            with suppress(CollectionNotFoundError):
                # A later collection may have been created in the meantime.
                self._records.delete_collection(collection_id, collection.created_at)
        if exists:
            # A concurrent request may have stored more in the meantime.
            user_vectors.delete_vectors(own, collection_id)
            own.delete_namespace(collection_id)
        return receipt

    def _selected_collection(
        self, collection_id: str, selection: Selection
    ) -> tuple[Collection | None, bool]:
        """Return the collection that a selection erases as a whole, and whether it still exists.

        Returns None if only a later collection with the same id exists and the selection contains
        no creation time.
        """
        later = False
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(collection_id)
            later = not selection.includes_collection(current.created_at)
            if not later:
                return current, True
        if selection.created_at is not None:
            return new_collection(collection_id, "", selection.created_at), False
        return (None if later else Collection(collection_id, "", 0.0)), False

    def _names_of_corrected(self, collection_id: str, face_ids: Sequence[str]) -> set[str]:
        """Return the names that corrections and the history may have for faces to be deleted."""
        if not face_ids or not (
            self._records.list_corrections(collection_id, limit=1)
            or self._records.list_history(collection_id, limit=1)
        ):
            return set()
        stored = self._faces.get_faces(collection_id, face_ids)
        return {name for face in stored for name in person_names(face.record, None)}

    def _disassociate(
        self, collection_id: str, face_ids: Members[str], faces: FaceStore
    ) -> frozenset[str]:
        """Disassociate faces from their people; return the ids of the people.

        Raises:
            ConflictError: Too many concurrent changes of a person.
        """
        return associations.update_owners(faces, self._records, collection_id, face_ids, face_ids)


def _is_selected(user: User, creations: Mapping[str, float | None]) -> bool:
    """Return whether a person is one of those with these ids and creation times."""
    return creations.get(user.user_id, -1.0) in (None, user.created_at)


def _without(
    people: frozenset[tuple[str, float]] | None, kept: Members[str]
) -> frozenset[tuple[str, float]] | None:
    if people is None:
        return None
    return frozenset(each for each in people if each[0] not in kept)
