"""Erasures: the only way to remove faces, people and collections from the stores.

An erasure is recorded (``Erasures.begin``) before anything is removed. Its steps can be repeated,
so an erasure that was killed is performed again from its beginning:

1. Tombstones of the faces and of selected photos are stored, so that no job adds the faces again.
   Faces that a job has added in the meantime are selected too. A copy of the tombstones is kept
   beside the job folders (``facerec.gallery.tombstone_copies``).
2. The faces are removed from job folders. This comes before the stores, so that after an
   interruption the caller still sees the faces. If it can take longer than a request is allowed
   to, ``Erasures.start`` makes another process perform all steps again, including this one.
3. The faces are deleted, or the collection with everything in it.
4. Faces are disassociated from their people; selected people and kept answers are deleted.
5. Corrections of deleted faces and people are erased, and copies that the store may have left.
6. The receipt replaces the record of the unfinished erasure.
"""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from facerec.core.erasures import ErasedJob, Receipt, Selection, SubjectKind
from facerec.core.ids import group_of, is_group
from facerec.core.records import Collection, new_collection
from facerec.errors import CollectionNotFoundError, FacerecError, UserNotFoundError
from facerec.gallery.base import GalleryBase
from facerec.gallery.corrections import count_corrections, forget_corrections
from facerec.gallery.erased_photos import (
    keep_erased_photos,
    names_of_selection,
    photo_of_face,
    photos_of_jobs,
)
from facerec.gallery.person_names import person_names
from facerec.gallery.receipts import Erasure
from facerec.gallery.tombstone_copies import copy_of_erasure, mark_seen
from facerec.gallery.tombstones import keep_tombstones

if TYPE_CHECKING:
    from facerec.storage.faces import FaceStore


class Eraser(GalleryBase):
    """What the operations that erase share."""

    def _erase(
        self, collection_id: str, subject: SubjectKind, selection: Selection
    ) -> tuple[Receipt, tuple[str, ...]]:
        """Erase a selection; return the receipt and the ids of the faces that were stored."""
        if selection.created_at is None:
            created_at = self._get(collection_id).created_at
            selection = replace(selection, created_at=created_at)
        keys = self._emptied_photos(collection_id, selection.face_ids)
        users = self._records.get_users(collection_id, sorted(selection.user_ids))
        user_names = frozenset(user.name for user in users if user.name is not None)
        selection = replace(selection, image_keys=keys, user_names=user_names)
        erasure = self._erasures.begin(collection_id, subject, selection, self._clock())
        try:
            done = self._perform(erasure, defer=self._erasures.start is not None)
        except FacerecError as error:
            error.consequence = f"the erasure {erasure.receipt.erasure_id} will be completed"
            raise
        if self._erasures.start is None:
            self._complete_earlier(erasure)
        return done

    def _complete_earlier(self, erasure: Erasure) -> None:
        """Complete the erasures of the same that were killed: their notes still name it."""
        for earlier in self._erasures.pending():
            if erasure.includes(earlier):
                self._perform(earlier, defer=False)

    def _perform(self, erasure: Erasure, *, defer: bool) -> tuple[Receipt, tuple[str, ...]]:
        """Perform all steps of an erasure; see the module.

        Args:
            erasure: What is erased.
            defer: Whether job folders are left to ``Erasures.start``.

        Returns:
            The receipt, and the ids of the faces that were stored.
        """
        collection_id = erasure.receipt.collection_id
        if self._is_of_earlier_collection(erasure):
            # What it selects went with that collection. The later one may have equal ids.
            receipt = erasure.receipt.finished(self._clock())
            self._erasures.finish(receipt)
            return receipt, ()
        names_kept = set[str]()
        if not defer:
            names_kept |= self._keep_photos_of_jobs(erasure)
            erasure = self._with_faces_of_jobs(erasure)
        names_kept |= self._keep_tombstones(collection_id, erasure.selection)
        erasure = self._with_late_faces(erasure)
        if erasure.selection.names_photos:
            names_kept |= self._keep_tombstones(collection_id, erasure.selection)
        receipt, selection = erasure.receipt, erasure.selection
        if not defer:
            self._copy_tombstones(erasure, names_kept)
            receipt = self._forget_job_data(receipt, selection)
        if selection.created_before is not None:
            receipt = self._erase_collection(receipt, selection)
            if not defer:
                # A concurrent job may have stored more since.
                receipt = self._forget_job_data(receipt, selection)
            stored: tuple[str, ...] = ()
        else:
            requested = sorted(selection.face_ids)
            people = self._names_of_corrected(collection_id, requested)
            people |= selection.user_ids | selection.external_image_ids
            own = self._faces_of(collection_id, selection)
            stored = tuple(own.delete_faces(collection_id, requested)) if requested else ()
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
        names = selection.external_image_ids | selection.photos | selection.user_ids
        self._faces.erase_copies(sorted(names | selection.user_names))
        if defer and self._erasures.start is not None:
            self._erasures.keep(Erasure(receipt, selection))
            self._erasures.start(receipt.erasure_id)
        else:
            receipt = receipt.finished(self._clock())
            self._erasures.finish(receipt)
        return receipt, stored

    def _keep_photos_of_jobs(self, erasure: Erasure) -> set[str]:
        """Keep tombstones of the erased photos that jobs name, also of those without a face.

        Returns:
            The names under which they are kept.
        """
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        if not selection.names_photos:
            return set()
        names = selection.photos, selection.external_image_ids
        kept = self._job_data.get(
            collection_id, Selection(photos=names[0], external_image_ids=names[1])
        )
        with suppress(CollectionNotFoundError):
            version = self._get(collection_id).model_version
            photos = photos_of_jobs(collection_id, kept, version)
            return keep_erased_photos(collection_id, photos, selection, records=self._records)
        return set()

    def _with_late_faces(self, erasure: Erasure) -> Erasure:
        """Select the faces that a job has stored before it could see the photos' tombstones."""
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        if not selection.names_photos:
            return erasure
        late = {
            face.face_id
            for face in self._faces.all_faces(collection_id)
            if face.external_image_id in selection.external_image_ids
            or face.source in selection.photos
        }
        return self._with_faces(erasure, late - selection.face_ids)

    def _with_faces_of_jobs(self, erasure: Erasure) -> Erasure:
        """Add the faces that jobs have found in selected photos, before their rows are erased."""
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        found = self._faces_of_jobs(collection_id, selection) - selection.face_ids
        return self._with_faces(erasure, found)

    def _with_faces(self, erasure: Erasure, found: Members[str]) -> Erasure:
        """Select more faces, and note it."""
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        if not found:
            return erasure
        found = frozenset(found)
        keys = self._emptied_photos(collection_id, selection.face_ids | found)
        selection = replace(
            selection,
            face_ids=selection.face_ids | found,
            image_keys=selection.image_keys | keys,
        )
        erasure = Erasure(erasure.receipt, selection)
        self._erasures.keep(erasure)
        return erasure

    def _faces_of_jobs(self, collection_id: str, selection: Selection) -> frozenset[str]:
        """Return the ids of the faces that jobs have found in the photos that a selection names.

        A face is stored with one address of its photo. Addresses of files with the same bytes are
        only in the rows of jobs.
        """
        if not selection.photos:
            return frozenset()
        kept = self._job_data.get(collection_id, Selection(photos=selection.photos))
        rows = (face["face_id"] for job in kept for row in job.rows for face in _faces_in(row))
        return frozenset(rows).union(face.record.face_id for job in kept for face in job.faces)

    def _forget_job_data(self, receipt: Receipt, selection: Selection) -> Receipt:
        if not (
            selection.face_ids or selection.names_photos or selection.created_before is not None
        ):
            return receipt
        erased = self._job_data.forget(receipt.collection_id, selection)
        return replace(receipt, jobs=_merged((*receipt.jobs, *erased)))

    def _is_of_earlier_collection(self, erasure: Erasure) -> bool:
        """Return whether a part of a collection is erased, and only a later one of its id exists.

        Without any collection of its id, job folders may still keep what is selected.
        """
        selection = erasure.selection
        if selection.created_before is not None or selection.created_at is None:
            return False
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(erasure.receipt.collection_id)
            return current.created_at != selection.created_at
        return False

    def _faces_of(self, collection_id: str, selection: Selection) -> FaceStore:
        """Return the store of the faces of the collection that a selection is of."""
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(collection_id)
            if selection.created_at in (None, current.created_at):
                return self._faces.of(current)
        if selection.created_at is None:
            return self._faces
        return self._faces.of(new_collection(collection_id, "", selection.created_at))

    def _erase_users(self, receipt: Receipt, selection: Selection, own: FaceStore) -> Receipt:
        from facerec.gallery.user_vectors import delete_vector

        collection_id = receipt.collection_id
        # A concurrent request may have associated a face before it was deleted.
        changed = self._disassociate(collection_id, selection.face_ids, own) - selection.user_ids
        answers = self._records.forget_answers([*selection.face_ids, *selection.user_ids])
        users = 0
        for user_id in sorted(selection.user_ids):
            with suppress(UserNotFoundError):
                self._records.delete_user(collection_id, user_id)
                users += 1
            delete_vector(own, collection_id, user_id)
        return replace(
            receipt,
            users=receipt.users + users,
            user_vectors=receipt.user_vectors + len(changed) + users,
            answers=receipt.answers + answers,
        )

    def _erase_collection(self, receipt: Receipt, selection: Selection) -> Receipt:
        from facerec.gallery.user_vectors import delete_vectors

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
        delete_vectors(own, collection_id)
        own.delete_namespace(collection_id)
        if exists:
            with suppress(CollectionNotFoundError):
                self._records.delete_collection(collection_id)
            # A concurrent request may have stored more since.
            delete_vectors(own, collection_id)
            own.delete_namespace(collection_id)
        return receipt

    def _selected_collection(
        self, collection_id: str, selection: Selection
    ) -> tuple[Collection | None, bool]:
        """Return the collection that a selection erases as a whole, and whether it exists still.

        None if only a later one of the same id does, and the selection does not say more.
        """
        later = False
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(collection_id)
            later = current.created_at > (selection.created_before or 0.0)
            if not later:
                return current, True
        if selection.created_at is not None:
            return new_collection(collection_id, "", selection.created_at), False
        return (None if later else Collection(collection_id, "", 0.0)), False

    def _names_of_corrected(self, collection_id: str, face_ids: Sequence[str]) -> set[str]:
        """Return the names by which corrections may refer to faces that are to be deleted."""
        if not face_ids or not self._records.list_corrections(collection_id, limit=1):
            return set()
        stored = self._faces.get_faces(collection_id, face_ids)
        return {name for face in stored for name in person_names(face.record, None)}

    def _emptied_photos(self, collection_id: str, face_ids: Members[str]) -> frozenset[str]:
        """Return the keys of the photos that have no other stored faces than these."""
        keys = [key for key in {group_of(face_id) for face_id in face_ids} if is_group(key)]
        stored = self._faces.get_images(collection_id, keys) if keys else {}
        return frozenset(
            key for key in keys if all(record.face_id in face_ids for record in stored.get(key, ()))
        )

    def _keep_tombstones(self, collection_id: str, selection: Selection) -> set[str]:
        """Keep tombstones of faces and photos, by which later jobs know that they were deleted.

        Returns:
            The names under which those of photos are kept.
        """
        ids = sorted(selection.face_ids)
        faces = self._faces.get_faces(collection_id, ids) if ids else []
        with suppress(CollectionNotFoundError):
            records = [face.record for face in faces]
            keep_tombstones(collection_id, records, records=self._records)
            photos = map(photo_of_face, records)
            return keep_erased_photos(collection_id, photos, selection, records=self._records)
        return set()

    def _copy_tombstones(self, erasure: Erasure, names: Members[str]) -> None:
        """Keep a copy of the tombstones of an erasure, which outlives the store of records."""
        receipt, selection = erasure.receipt, erasure.selection
        if selection.created_before is not None:
            return
        with suppress(CollectionNotFoundError):
            collection = self._get(receipt.collection_id)
            copy = copy_of_erasure(
                receipt.collection_id,
                names_of_selection(selection).union(names),
                erasure_id=receipt.erasure_id,
                erased_at=receipt.requested_at,
                records=self._records,
            )
            if copy is not None:
                self._job_data.keep_tombstones(collection, copy)
                mark_seen(receipt.collection_id, [receipt.erasure_id], records=self._records)

    def _disassociate(
        self, collection_id: str, face_ids: Members[str], faces: FaceStore
    ) -> frozenset[str]:
        """Disassociate faces from their people; return the ids of these."""
        from facerec.gallery.associations import update_owners

        return update_owners(faces, self._records, collection_id, face_ids, face_ids)


def _faces_in(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the faces that a row of ``schemas/ledger-row.json`` says are in the collection."""
    yield from row["faces"]
    yield from row["kept"]


def _merged(jobs: Members[ErasedJob]) -> tuple[ErasedJob, ...]:
    """Return what was removed from each folder, summed over several attempts."""
    sums: dict[str, ErasedJob] = {}
    for job in jobs:
        known = sums.get(job.job_id, ErasedJob(job.job_id))
        sums[job.job_id] = ErasedJob(
            job.job_id,
            known.embeddings + job.embeddings,
            known.rows + job.rows,
            known.manifest_lines + job.manifest_lines,
            known.files + job.files,
        )
    return tuple(sums.values())
