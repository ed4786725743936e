"""The operation that creates people from the names of their photos."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.derived_names import derived_user_id
from facerec.core.history import Action
from facerec.core.ids import group_of
from facerec.core.names import checked_user_name
from facerec.core.sources import is_address
from facerec.errors import (
    InvalidInputError,
    QuotaExceededError,
    UserExistsError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.gallery.erasing.erased_photos import find_erased_names
from facerec.gallery.erasing.partly_deleted import are_partly_deleted
from facerec.gallery.indexing.storing import is_same_face
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.operations.users import UserOperations
from facerec.gallery.people.corrections import corrected_faces

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import FaceRecord, User
    from facerec.gallery.people import associations, enrolling
    from facerec.gallery.people.enrolling import (
        CorrectedPhoto,
        EndedRegistration,
        Enrolment,
        EnrolmentProblem,
        UnnamedPhoto,
    )
    from facerec.gallery.people.enrolment_rules import NameOf
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    enrolling = DeferredModule("facerec.gallery.people.enrolling")

MAX_PHOTOS_OF_PERSON = 500
"""Maximum number of photos of one name to compare with each other; more than a person's faces."""


@dataclass(slots=True)
class _Done:
    """The changes that an enrolment has made so far.

    ``cohort`` normalises the distances of faces. ``takers`` maps the id of a person to the ids of
    the people who got faces of this person.
    """

    cohort: Cohort
    created: int = 0
    associated: int = 0
    unchanged: int = 0
    corrected: list[CorrectedPhoto] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unnamed: list[UnnamedPhoto] = field(default_factory=list)
    registrations: list[EndedRegistration] = field(default_factory=list)
    takers: dict[str, set[str]] = field(default_factory=dict)
    nameless: int = 0
    nameless_sources: list[str] = field(default_factory=list)


class EnrolOperations(UserOperations):
    """The operation of a gallery that creates people from the names of their photos."""

    def enrol_people(self, collection_id: str, name_of: NameOf) -> Enrolment:
        """Associate one face of each named photo with the person of that name.

        A person who does not exist is created, with the name as display name. If a photo shows
        several faces, the one that resembles the person's other photos is chosen. If a face of the
        photo was deleted, the chosen face must resemble the person's other photos, even if no other
        face of the photo is left. If a person of the name was erased (``erase``), only photos that
        were indexed later give the name again. Calling this again changes nothing, unless photos or
        names have changed. Then a photo that was named after somebody else before is corrected, and
        people who thereby lose all their faces are deleted. If all faces of such a person go to one
        new person, so does the registration. Corrections (``not_same``) are obeyed.

        Args:
            collection_id: Id of the collection.
            name_of: Returns the name of the person in the photo at an address; "" if the photo
                names nobody, and None if it is not to be enrolled.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ConflictError: Too many concurrent changes of a person, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            FacerecError: A store fails while a person is deleted; ``resume_erasures`` completes the
                deletion.
        """
        collection = self._get_comparable_to_change(collection_id)
        done = _Done(self._engine_of(collection))
        named: dict[str, dict[str, list[FaceRecord]]] = {}
        for record, name in self._named_faces(collection_id, name_of, done):
            try:
                kept = checked_user_name(name)
            except InvalidInputError:
                done.unnamed.append(
                    enrolling.UnnamedPhoto(
                        record.source, name, enrolling.EnrolmentProblem.INVALID_NAME
                    )
                )
                continue
            named.setdefault(kept, {}).setdefault(record.image_id, []).append(record)
        erased = find_erased_names(
            collection_id,
            [each for name in named for each in (name, derived_user_id(name))],
            records=self._records,
        )
        for name in sorted(named):
            times = (erased.get(each) for each in (name, derived_user_id(name)))
            erased_at = max((time for time in times if time is not None), default=None)
            photos = list(named[name].values())
            try:
                self._enrol(collection_id, name, photos, erased_at, done)
            except (UserExistsError, UserNameExistsError):
                # Another enrolment may have created the person in the meantime.
                if self._user_named(collection_id, name) is None:
                    raise
                self._enrol(collection_id, name, photos, erased_at, done)
        return enrolling.Enrolment(
            collection_id,
            len(named),
            done.created,
            done.associated,
            done.unchanged,
            tuple(done.corrected),
            tuple(done.deleted),
            tuple(dict.fromkeys(done.unnamed)),
            tuple(done.registrations),
            done.nameless,
            tuple(done.nameless_sources),
        )

    def _named_faces(
        self, collection_id: str, name_of: NameOf, done: _Done
    ) -> Iterator[tuple[FaceRecord, str]]:
        """Yield each face with the name in its photo's address; count photos that name nobody."""
        photo = ""
        for record in self._faces.all_faces(collection_id):
            name = name_of(record.address) if is_address(record.source) else None
            if name:
                yield record, name
            # the faces of a photo follow each other
            elif name == "" and group_of(record.face_id) != photo:
                photo = group_of(record.face_id)
                done.nameless += 1
                if len(done.nameless_sources) < enrolling.MAX_NAMELESS:
                    done.nameless_sources.append(record.source)

    @recorded(Action.ENROL)
    def _enrol(
        self,
        collection_id: str,
        name: str,
        photos: list[list[FaceRecord]],
        erased_at: float | None,
        done: _Done,
    ) -> None:
        """Associate one face of each photo of a person.

        If a person of this name was erased, photos that were indexed before show somebody else.
        """
        user = self._user_named(collection_id, name)
        if user is not None and _has_all(user, photos):
            done.unchanged += len(photos)
            return
        user_id = derived_user_id(name) if user is None else user.user_id
        if erased_at is not None:
            held = frozenset(user.face_ids if user else ())
            old = [each for each in photos if not _is_new(each, erased_at, held)]
            self._report(old, name, enrolling.EnrolmentProblem.PERSON_ERASED, done)
            photos = [each for each in photos if each not in old]
        photos.sort(key=lambda members: members[0].source)
        self._report(
            photos[MAX_PHOTOS_OF_PERSON:], name, enrolling.EnrolmentProblem.TOO_MANY_FACES, done
        )
        photos = photos[:MAX_PHOTOS_OF_PERSON]
        face_ids = [record.face_id for members in photos for record in members]
        corrected = corrected_faces(collection_id, face_ids, records=self._records)
        allowed = []
        for members in photos:
            free = [each for each in members if user_id not in corrected.get(each.face_id, ())]
            if free:
                allowed.append(sorted(free, key=lambda each: -each.box.area))
            else:
                self._report([members], name, enrolling.EnrolmentProblem.NOT_SAME, done)
        held = frozenset() if user is None else frozenset(user.face_ids)
        chosen = self._choose(collection_id, name, allowed, held, done)
        self._associate_chosen(collection_id, name, user, chosen, done)

    def _choose(
        self,
        collection_id: str,
        name: str,
        photos: Sequence[Sequence[FaceRecord]],
        held: frozenset[str],
        done: _Done,
    ) -> list[tuple[FaceRecord, list[str]]]:
        """Return, for each photo, the face that shows the person, with the ids of its other faces.

        A photo that was indexed several times has this face several times.
        """
        own = {record.face_id for members in photos for record in members}
        stored = {
            face.record.face_id: face
            for face in self._faces.get_faces(collection_id, sorted(own | held))
        }
        faces = [
            [stored[each.face_id] for each in members if each.face_id in stored]
            for members in photos
        ]
        faces = [each for each in faces if each]
        known = [stored[face_id] for face_id in sorted(held) if face_id in stored]
        records_of = [[face.record for face in own_faces] for own_faces in faces]
        partly = are_partly_deleted(collection_id, records_of, records=self._records)
        chosen = []
        for number, face, problem in enrolling.judge_photos(faces, partly, known, done.cohort):
            if problem is not None:
                self._report([[face.record]], name, problem, done)
                continue
            members = records_of[number]
            others = [each.face_id for each in members if not is_same_face(each, face.record)]
            chosen += [(each, others) for each in members if is_same_face(each, face.record)]
        return chosen

    def _associate_chosen(
        self,
        collection_id: str,
        name: str,
        user: User | None,
        chosen: Sequence[tuple[FaceRecord, list[str]]],
        done: _Done,
    ) -> None:
        face_ids = [record.face_id for record, _ in chosen]
        owners = self._records.users_of_faces(collection_id, face_ids) if face_ids else {}
        own_id = None if user is None else user.user_id
        new: list[FaceRecord] = []
        earlier: dict[str, str] = {}
        wrong: list[str] = []
        for record, others in chosen:
            owner = owners.get(record.face_id)
            if owner == own_id and owner is not None:
                done.unchanged += 1
                continue
            if owner is not None:
                if not self._is_named_after_photos(collection_id, owner):
                    self._report([[record]], name, enrolling.EnrolmentProblem.OTHER_PERSON, done)
                    continue
                earlier[record.face_id] = owner
            new.append(record)
            wrong += others
        room = associations.MAX_FACES_OF_USER - (0 if user is None else len(user.face_ids))
        self._report(
            [[record] for record in new[max(0, room) :]],
            name,
            enrolling.EnrolmentProblem.TOO_MANY_FACES,
            done,
        )
        new = new[: max(0, room)]
        if not new:
            return
        if user is None:
            user = self.create_user(collection_id, name=name, any_case=True)
            done.created += 1
        # If another face of the photo fits better now, it replaces the one that was chosen before.
        lost = [face_id for face_id in user.face_ids if face_id in set(wrong)]
        if lost:
            self.disassociate_faces(collection_id, user.user_id, lost)
        owners_before = sorted(set(earlier.values()))
        for owner in owners_before:
            moved = [face_id for face_id in earlier if earlier[face_id] == owner]
            done.takers.setdefault(owner, set()).add(user.user_id)
            heir = user if len(owners_before) == 1 else None
            self._take_from(collection_id, owner, moved, heir, done)
        with suppress(QuotaExceededError):
            outcome = self.associate_faces(
                collection_id, user.user_id, [record.face_id for record in new], min_similarity=0.0
            )
            done.associated += len(outcome.changed)
        done.corrected += [
            enrolling.CorrectedPhoto(
                record.source, earlier[record.face_id], user.user_id, user.name
            )
            for record in new
            if record.face_id in earlier
        ]

    def _take_from(
        self,
        collection_id: str,
        user_id: str,
        face_ids: Sequence[str],
        heir: User | None,
        done: _Done,
    ) -> None:
        """Disassociate faces from a person, who is deleted if no face is left.

        The consent of a registered person goes to a new person who gets all the faces, since that
        is the same person under another name. A new person who already has faces, who also gets
        faces of others, or who gets only some of these faces may be somebody else, who has not
        agreed.

        Args:
            collection_id: Id of the collection.
            user_id: The person who loses the faces.
            face_ids: The faces.
            heir: The person who gets them; None if this person gets faces of others too.
            done: The changes so far.
        """
        with suppress(UserNotFoundError):
            earlier = self._records.get_user(collection_id, user_id)
            registration = earlier.registration
            if heir is not None and not self._inherits(heir, earlier, face_ids, done):
                heir = None
            if heir is not None and self._registrations is not None:
                # before the deletion: an interruption must not lose the consent
                self._registrations.set_registration(collection_id, heir.user_id, registration)
            self.disassociate_faces(collection_id, user_id, face_ids)
            left = self._records.get_user(collection_id, user_id).face_ids
            if not left and self._delete_if_empty(collection_id, [user_id]):
                done.deleted.append(user_id)
                if registration is not None:
                    heir_id = None if heir is None else heir.user_id
                    done.registrations.append(enrolling.EndedRegistration(user_id, heir_id))
            elif heir is not None and self._registrations is not None:
                # a person who was given another face since then keeps the consent
                self._registrations.set_registration(collection_id, heir.user_id, None)

    def _inherits(self, heir: User, earlier: User, face_ids: Sequence[str], done: _Done) -> bool:
        """Return whether the heir of a person's faces also gets the person's registration."""
        return (
            self._registrations is not None
            and earlier.registration is not None
            # The same registration may have been copied before an interruption; an own one is kept.
            and heir.registration in (None, earlier.registration)
            and not heir.face_ids
            and set(earlier.face_ids) <= set(face_ids)
            and done.takers[earlier.user_id] == {heir.user_id}
        )

    def _user_named(self, collection_id: str, name: str) -> User | None:
        """Return the person with a display name, or else with the id derived from the name.

        A person with that id was created for the name, but may have been renamed since then.
        """
        user = self._records.get_user_named(collection_id, name)
        if user is None:
            found = self._records.get_users(collection_id, [derived_user_id(name)])
            user = found[0] if found else None
        return user

    def _is_named_after_photos(self, collection_id: str, user_id: str) -> bool:
        """Return whether a person's id follows from the display name, or nobody has the id."""
        users = self._records.get_users(collection_id, [user_id])
        return all(user.name and derived_user_id(user.name) == user.user_id for user in users)

    @staticmethod
    def _report(
        photos: Sequence[Sequence[FaceRecord]],
        name: str,
        problem: EnrolmentProblem,
        done: _Done,
    ) -> None:
        done.unnamed += [
            enrolling.UnnamedPhoto(records[0].source, name, problem) for records in photos
        ]


def _is_new(records: Sequence[FaceRecord], erased_at: float, held: Collection[str]) -> bool:
    """Return whether a photo was indexed after an erasure, or has a face of the present person."""
    return any(each.indexed_at > erased_at or each.face_id in held for each in records)


def _has_all(user: User, photos: Sequence[Sequence[FaceRecord]]) -> bool:
    """Return whether each photo shows one face, and the person has it already."""
    held = set(user.face_ids)
    return all(len(records) == 1 and records[0].face_id in held for records in photos)
