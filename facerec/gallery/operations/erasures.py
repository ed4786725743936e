"""Operations that erase everything known about somebody, and resume erasures that were killed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.ids import checked_face_id
from facerec.core.limits import DEFAULT_RECEIPTS, MAX_RECEIPTS
from facerec.core.names import (
    checked_source,
    checked_user_id,
    checked_user_name,
    read_external_image_id,
)
from facerec.errors import CollectionNotFoundError, FacerecError, InvalidInputError
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.erased_photos import photos_of_jobs
from facerec.gallery.erasing.eraser import Eraser, faces_of_jobs
from facerec.gallery.paging import checked_limit
from facerec.gallery.photo_links import paths_of_photo
from facerec.gallery.receipts import completed_later

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.core.erasures import Receipt, Selection, SubjectKind, Swept
    from facerec.core.records import Collection

RESUMED_AFTER = 960.0
"""Seconds after which an unfinished erasure is assumed to have been killed: more than the maximum
duration of a Lambda function (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class ErasureOperations(Eraser):
    """The operations of a gallery that erase everything known about somebody."""

    def select(self, collection_id: str, subject: SubjectKind, name: str) -> Selection:
        """Return the selection of what ``erase`` would erase.

        Args:
            collection_id: Id of the collection.
            subject: FACE, PHOTO, EXTERNAL_ID or USER.
            name: Id of the face, path or address of the photo, external image id (or its readable
                name, or the path that it was derived from), or id of the person. A path through
                other symbolic links names the same photo. Selecting a person includes the person's
                faces.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
            FacerecError: A photo is selected, and a job folder cannot be read.
        """
        selection = self._select(collection_id, subject, name)
        if not selection.photos:
            return selection
        kept = self._job_data.get(collection_id, erasures.Selection(photos=selection.photos))
        photos = photos_of_jobs(collection_id, kept, self._get(collection_id).id_version)
        moved = self._moved_from(collection_id, photos, selection)
        return replace(selection, face_ids=selection.face_ids | faces_of_jobs(kept, moved))

    def _select(self, collection_id: str, subject: SubjectKind, name: str) -> Selection:
        """Return the selection of what the stores contain.

        ``select`` adds the faces that only job folders name.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
        """
        self._get(collection_id)
        match subject:
            case erasures.SubjectKind.FACE:
                return erasures.Selection(frozenset((checked_face_id(name),)))
            case erasures.SubjectKind.PHOTO:
                source = checked_source(name)
                stored = {
                    face.face_id: face.address for face in self._faces.all_faces(collection_id)
                }
                addresses = frozenset(stored.values())
                shown = {storable_source(each): each for each in addresses}
                if source not in addresses:
                    source = shown.get(source, source)
                paths = paths_of_photo(source, addresses)
                faces = (face_id for face_id, each in stored.items() if each in paths)
                return erasures.Selection(frozenset(faces), photos=paths)
            case erasures.SubjectKind.EXTERNAL_ID:
                named = read_external_image_id(name)
                others = self._faces.all_faces(collection_id)
                faces = (face.face_id for face in others if face.external_image_id == named)
                return erasures.Selection(frozenset(faces), external_image_ids=frozenset((named,)))
            case erasures.SubjectKind.USER:
                user_id = checked_user_id(name)
                users = self._records.get_users(collection_id, [user_id])
                return erasures.Selection(
                    frozenset(face_id for user in users for face_id in user.face_ids),
                    user_ids=frozenset((user_id,)),
                    user_names=frozenset(user.name for user in users if user.name is not None),
                    faces_of_users=True,
                )
            case _:
                raise InvalidInputError(
                    f"{str(subject)!r} cannot be selected",
                    "choose FACE, PHOTO, EXTERNAL_ID or USER of SubjectKind",
                )

    def erase(self, collection_id: str, subject: SubjectKind, name: str) -> Receipt:
        """Erase everything known about a face, photo, external image id or person, everywhere.

        What is erased: faces with their embeddings, thumbnails and places in clusters, people with
        their vectors and associations, corrections, events, the names in the history, answers kept
        for idempotency tokens, and the data in all job folders. Faces that a person gets in the
        meantime are erased too; somebody who is created with the same id afterwards is not. An
        unknown name is not an error: the receipt then shows that nothing was removed.

        Args:
            collection_id: Id of the collection.
            subject: FACE, PHOTO, EXTERNAL_ID or USER.
            name: See ``select``.

        Returns:
            Counts of what was removed so far. The status is RUNNING if another process still erases
            from job folders, or if an import may bring faces back; otherwise it is DONE.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The person got other faces repeatedly; ``resume_erasures`` completes
                the erasure.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the erasure.
        """
        selection = self._select(collection_id, subject, name)
        return self._erase(collection_id, subject, selection)[0]

    def get_erasure(self, collection_id: str, erasure_id: str) -> Receipt:
        """Return the receipt of an erasure, which may not be finished.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            ErasureNotFoundError: There is no such erasure of the collection.
            ReceiptDamagedError: The receipt is damaged.
        """
        return self._erasures.get(collection_id, erasure_id)

    def list_erasures(self, collection_id: str, *, limit: int = DEFAULT_RECEIPTS) -> list[Receipt]:
        """Return the newest receipts of a collection, newest first, even if it was deleted.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id, or ``limit`` is not
                1 to ``MAX_RECEIPTS``.
            ReceiptDamagedError: A receipt is damaged.
        """
        checked_limit(limit, MAX_RECEIPTS)
        return self._erasures.list(collection_id, limit)

    def person_being_erased(self, collection_id: str, text: str) -> str | None:
        """Return the id of a person whose erasure was interrupted, by id or display name.

        Returns None if there is no erasure of the person. Erasing or deleting this id again
        completes the erasure, even if nobody has the id or the name any more.
        """
        with suppress(InvalidInputError):
            text = checked_user_name(text)
        return self._erasures.person_of(collection_id, text)

    def resume_erasure(self, erasure_id: str) -> Receipt | None:
        """Complete an unfinished erasure.

        If an import may bring its faces back, the erasure stays unfinished until the import has
        ended.

        Returns:
            Its receipt; None if there is no unfinished erasure with this id.

        Raises:
            ErasureDamagedError: The record of the erasure is damaged.
            FacerecError: A job folder or a store fails.
        """
        for erasure in self._erasures.pending(erasure_id):
            return self._perform(erasure)[0]
        self._erasures.require_readable(erasure_id)
        return None

    def resume_erasures(
        self,
        *,
        older_than: float = RESUMED_AFTER,
        collection_id: str | None = None,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> list[Receipt]:
        """Complete all erasures that were killed, and return their receipts.

        An erasure that cannot be completed stays unfinished; all others are completed. Receipts of
        erasures that wait for the end of an import are not returned.

        Args:
            older_than: Minimum age of an erasure in seconds; younger ones may still be running.
            collection_id: Completes only the erasures of this collection; None for all.
            on_error: Receives the error of each erasure that cannot be completed; None raises the
                first one at the end.

        Raises:
            ErasureDamagedError: The record of an erasure is damaged; the others were completed.
            FacerecError: A job folder or a store fails; the other erasures were completed.
        """
        errors = list[FacerecError]()
        now = self._clock()
        self._erasures.delete_leftovers()
        receipts: list[Receipt] = []
        for erasure in self._erasures.pending():
            if collection_id not in (None, erasure.receipt.collection_id):
                continue
            # A clock that was ahead does not make an erasure one that is still running.
            if not now - older_than < erasure.receipt.requested_at <= now:
                try:
                    receipts.append(self._perform(erasure)[0])
                except FacerecError as error:
                    error.consequence = completed_later(erasure.receipt.erasure_id)
                    errors.append(error)
        errors += self._erasures.damaged(collection_id)
        if on_error is not None:
            for each in errors:
                on_error(each)
        elif errors:
            raise errors[0]
        return [receipt for receipt in receipts if receipt.finished_at is not None]

    def sweep(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, Swept]:
        """Erase what belongs to no collection or person any more.

        A child of a job that is killed just after it has stored faces of a deleted collection
        cannot remove them, nor what it has added to the job folder. No collection shows them, since
        every collection has its own namespaces, even if it has the id of a deleted one; but the
        embeddings are still there. Deletions that were interrupted under earlier releases may have
        left records of collections and people in a stack's table.

        Args:
            stop: Called between collections and requests; once it returns true, the rest is left to
                the next call.

        Returns:
            What was erased, by the id of the collection that it belonged to; without faces and
            records if only job folders still had something of it. Empty if nothing was found.

        Raises:
            ConflictError: Too many concurrent changes; call this again.
            FacerecError: A store fails; raised after the other collections were swept.
        """
        from facerec.gallery.people.user_vectors import delete_vectors

        swept: dict[str, int] = {}
        errors = list[FacerecError]()
        collections = self._erasures.deleted_collections()
        for deleted in self._faces.left_of(collections):
            if stop():
                break
            if self._is_in_use(deleted):
                continue
            collection_id, own = deleted.collection_id, self._faces.of(deleted)
            try:
                faces = own.count_faces(collection_id)
                delete_vectors(own, collection_id)
                own.delete_namespace(collection_id)
            except FacerecError as error:
                errors.append(error)
            else:
                swept[collection_id] = swept.get(collection_id, 0) + faces
        gone = [
            name for name in {each.collection_id for each in collections} if self._is_gone(name)
        ]
        records = dict[str, int]()
        try:
            for name in self._job_data.sweep(gone):
                swept.setdefault(name, 0)
            records = self._records.delete_unowned(stop=stop)
        except FacerecError as error:
            errors.append(error)
        if errors:
            raise errors[0]
        return {
            name: erasures.Swept(swept.get(name, 0), records.get(name, 0))
            for name in sorted(swept.keys() | records.keys())
        }

    def _is_gone(self, collection_id: str) -> bool:
        """Return whether every collection with this id was deleted, and none was lost."""
        if self._exists(collection_id):
            return False
        deleted = self._erasures.deleted_collections(collection_id)
        return self._job_data.creations(collection_id) <= {each.created_at for each in deleted}

    def _is_in_use(self, deleted: Collection) -> bool:
        """Return whether the namespaces of a deleted collection may be those of an existing one.

        This happens in an older copy of the database, and for collections without a generation.
        """
        try:
            current = self._records.get_collection(deleted.collection_id)
        except CollectionNotFoundError:
            return False
        return not current.generation or current.created_at == deleted.created_at
