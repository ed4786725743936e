"""Operations on corrections: statements that a stored face does not show a person."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.history import Action
from facerec.core.ids import checked_face_id
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE
from facerec.core.names import checked_person
from facerec.core.records import Correction
from facerec.errors import (
    FaceInUseError,
    FaceNotFoundError,
    InvalidInputError,
    QuotaExceededError,
    UserNotFoundError,
)
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import collection_results
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.paging import checked_limit, listing_of
from facerec.gallery.people.corrections import names_left
from facerec.gallery.people.names import display_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.gallery.collection_results import CorrectionPage

MAX_FACES_OF_PERSON = 1000
"""Maximum number of faces in corrections of one person. Their ids are one item in DynamoDB, of at
most 400 KB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

_LAST = "\x7f"
"""Text that sorts after every name of a person."""


class CorrectionOperations(GalleryBase):
    """The operations of a gallery on corrections."""

    @recorded(Action.NOT_SAME)
    def not_same(self, collection_id: str, face_id: str, person: str) -> Correction:
        """Store the statement that a face does not show a person; all later searches respect it.

        A face in a cluster with that person leaves it, and is clustered again the next time.

        Args:
            collection_id: Id of the collection.
            face_id: Id of the face.
            person: A user id, an external image id or its part before the colon, or the id of
                another face.

        Raises:
            InvalidInputError: ``person`` is not a valid name or is the face's own id, or
                ``face_id`` is not a face id.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the corrections or clusters, or the
                deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            FaceNotFoundError: The collection has no such face.
            FaceInUseError: The face is associated with the person ``person``.
            UserNotFoundError: No person and no face has the name ``person``.
            QuotaExceededError: There are ``MAX_FACES_OF_PERSON`` corrections of this person.
        """
        (correction,) = self._correct(collection_id, [face_id], person)
        self._take_out(collection_id, correction)
        return correction

    def _correct(
        self, collection_id: str, face_ids: Sequence[str], person: str
    ) -> list[Correction]:
        """State that faces do not show a person; if one statement is refused, store none."""
        self._get_to_change(collection_id)
        corrected = [_checked(face_id, person) for face_id in face_ids]
        found = self._faces.get_faces(collection_id, face_ids)
        stored = {face.record.face_id for face in found}
        owners = self._records.users_of_faces(collection_id, face_ids)
        for face_id in face_ids:
            if face_id not in stored:
                raise FaceNotFoundError(face_id)
            if owners.get(face_id) == person:
                raise FaceInUseError(face_id, person)
        if not self.is_name_of_face(collection_id, person):
            raise UserNotFoundError(person)
        about = self._records.corrections_of_people(collection_id, [person])
        new = set(corrected).difference(about)
        if new and len(about) + len(new) > MAX_FACES_OF_PERSON:
            raise QuotaExceededError(
                f"a person has at most {MAX_FACES_OF_PERSON:,} corrections",
                "lift corrections of this person that are no longer needed",
            )
        self._records.add_corrections(collection_id, corrected)
        return corrected

    @recorded(Action.NOT_SAME)
    def lift_correction(self, collection_id: str, face_id: str, person: str) -> bool:
        """Remove the statement that a face does not show a person; return whether there was one.

        The face leaves its cluster, and is clustered again the next time.

        Raises:
            InvalidInputError: ``person`` is not a valid name or is the face's own id, or
                ``face_id`` is not a face id.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the corrections or clusters.
        """
        self._get(collection_id)
        return self._lift(collection_id, _checked(face_id, person))

    def _lift(self, collection_id: str, correction: Correction) -> bool:
        lifted = self._records.remove_corrections(collection_id, [correction])
        if lifted and self._clusters is not None:
            self._clusters.leave_clusters(collection_id, [correction.face_id])
        return bool(lifted)

    def _take_out(self, collection_id: str, correction: Correction) -> None:
        """Take a face out of a cluster with the person whom it does not show."""
        from facerec.gallery.clusters.statements import Statements

        if self._clusters is not None:
            Statements(
                collection_id,
                clusters=self._clusters,
                faces=self._faces,
                records=self._records,
                corrections=[correction],
            ).take_denied_out()

    def is_corrected(self, collection_id: str, face_id: str, person: str) -> bool:
        """Return whether it was stated that a face does not show a person (``not_same``).

        The result is False for a text that is not an id.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        self._get(collection_id)
        with suppress(InvalidInputError):
            correction = _checked(face_id, person)
            return correction in self._records.corrections_of_faces(collection_id, [face_id])
        return False

    def is_name_of_face(self, collection_id: str, name: str) -> bool:
        """Return whether a name that a correction may use belongs to a person or a stored face.

        Names are the ids of people and of faces, external image ids, and their parts before the
        colon. Reads the records of all faces, unless the name is the id of a person or of a face,
        or not valid.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        self._get(collection_id)
        with suppress(InvalidInputError):
            if self._faces.get_faces(collection_id, [checked_face_id(name)]):
                return True
        with suppress(InvalidInputError):
            own = {checked_person(name)}
            return bool(names_left(collection_id, own, faces=self._faces, records=self._records))
        return False

    def list_corrections(
        self, collection_id: str, *, next_token: str | None = None, limit: int = DEFAULT_PAGE
    ) -> CorrectionPage:
        """Return a page of a collection's corrections, ordered by face.

        A page has all corrections of each of its faces, so it may have fewer than ``limit``, or
        more if it has only one face.

        Raises:
            InvalidInputError: ``collection_id`` is not valid, or ``limit`` is not between 1 and
                4096.
            CollectionNotFoundError: The collection does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_PAGE)
        listing = listing_of("corrections", self._get(collection_id))
        last = self._after(listing, next_token)
        after = None if last is None else Correction(last, _LAST)
        page = self._records.list_corrections(collection_id, after=after, limit=limit + 1)
        token = None
        if len(page) > limit:
            # a page contains all corrections of each of its faces, so a face id marks its end
            first, cut = page[0].face_id, page[-1].face_id
            page = [each for each in page if each.face_id != cut]
            if not page:
                page = self._records.corrections_of_faces(collection_id, [first])
            token = self._token(listing, page[-1].face_id)
        people = (each.person for each in page)
        names = display_names(collection_id, people, records=self._records)
        return collection_results.CorrectionPage(tuple(page), token, names)


def _checked(face_id: str, person: str) -> Correction:
    if checked_person(person) == checked_face_id(face_id):
        raise InvalidInputError("a correction must name a person, not the face itself")
    return Correction(face_id, person)
