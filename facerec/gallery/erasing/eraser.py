"""Erasures: the only way to remove faces, people and collections from the stores.

An erasure is recorded (``Erasures.begin``) before anything is removed. Its steps can be repeated,
so an erasure that was killed is performed again from its beginning:

1. If people are selected on condition that they have no other faces (``only_empty_users``), they
   are deleted, unless they have another face by now. Other selected people are no longer
   registered, and events of the faces are deleted, so that none is sent. Tombstones of the faces
   and of selected photos are stored, so that no job adds the faces again. Faces that a job has
   added since the selection are selected too. A copy of the tombstones is kept beside the job
   folders (``facerec.gallery.erasing.tombstone_copies``).
2. The faces are removed from job folders. This comes before the stores, so that after an
   interruption the caller still sees the faces. If it can take longer than a request is allowed
   to, ``Erasures.start`` makes another process perform all steps again, including this one. If a
   folder cannot be read, all other steps but the last are performed, and the erasure fails; it is
   completed by a repetition once the folder has been repaired or removed.
3. The faces are deleted, with events that a job has stored in the meantime, or the collection with
   everything in it.
4. Faces are disassociated from their people; selected people and kept answers are deleted. If all
   faces of people are erased, and one of them was given another face in the meantime, that face is
   selected, and the steps are repeated. Once the people are deleted, this is recorded: a repeated
   erasure keeps somebody who is created with the same id.
5. Deleted faces and people are erased from corrections and the history, and copies that the store
   may have left are removed.
6. The receipt replaces the record of the unfinished erasure, unless an import may bring its faces
   back: then all steps are performed again when the import has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Members
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from facerec.core.deferred import DeferredModule
from facerec.core.ids import group_of, is_group
from facerec.core.recording import current_cause
from facerec.errors import CollectionNotFoundError, FacerecError
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.erased_photos import (
    NamedPhoto,
    keep_erased_photos,
    keep_people,
    names_of_selection,
    photo_of_face,
    photos_of_jobs,
)
from facerec.gallery.erasing.stores import StoreEraser
from facerec.gallery.erasing.tombstones import keep_tombstones
from facerec.gallery.receipts import Erasure, completed_later

if TYPE_CHECKING:
    from facerec.core.erasures import ErasedJob, KeptByJob, Receipt, Selection, SubjectKind
    from facerec.gallery.erasing import tombstone_copies
    from facerec.gallery.people import associations, user_vectors
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")
    tombstone_copies = DeferredModule("facerec.gallery.erasing.tombstone_copies")


class Eraser(StoreEraser):
    """Shared code of the operations that erase."""

    def _erase(
        self,
        collection_id: str,
        subject: SubjectKind,
        selection: Selection,
    ) -> tuple[Receipt, tuple[str, ...]]:
        """Erase a selection; return the receipt and the ids of the faces that were stored.

        Args:
            collection_id: Id of the collection.
            subject: What was requested.
            selection: What is erased.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            FacerecError: A job folder or a store fails; the erasure is completed later.
        """
        if selection.created_at is None:
            created_at = self._get(collection_id).created_at
            selection = replace(selection, created_at=created_at)
        keys, latest = self._emptied_photos(collection_id, selection.face_ids)
        users = self._records.get_users(collection_id, sorted(selection.user_ids))
        user_names = frozenset(user.name for user in users if user.name is not None)
        selection = replace(
            selection,
            image_keys=keys,
            user_names=user_names,
            people=frozenset((user.user_id, user.created_at) for user in users),
            latest=max((latest, *(user.created_at for user in users))),
            cause=current_cause(),
        )
        with self._erasures.space():
            erasure = self._erasures.unfinished(collection_id, subject, selection)
            if erasure is None:
                erasure = self._erasures.begin(collection_id, subject, selection, self._clock())
            start = self._erasures.start
            try:
                if start is not None:
                    return self._perform_in_stores(erasure, start)
                done = self._perform(erasure)
            except FacerecError as error:
                error.consequence = completed_later(erasure.receipt.erasure_id)
                raise
            except KeyboardInterrupt as interrupt:
                interrupt.add_note(completed_later(erasure.receipt.erasure_id))
                raise
            self._complete_earlier(erasure)
            return done

    def _complete_earlier(self, erasure: Erasure) -> None:
        """Complete interrupted erasures of the same selection, whose records still contain it.

        Raises:
            FacerecError: The first error, after the other erasures were completed.
        """
        errors = list[FacerecError]()
        for earlier in self._erasures.pending():
            if erasure.includes(earlier):
                try:
                    self._perform(earlier)
                except FacerecError as error:
                    error.consequence = completed_later(earlier.receipt.erasure_id)
                    errors.append(error)
        if errors:
            raise errors[0]

    def _perform(self, erasure: Erasure) -> tuple[Receipt, tuple[str, ...]]:
        """Perform all steps of an erasure; see the module's docstring.

        Returns:
            The receipt, and the ids of the faces that were stored.

        Raises:
            FacerecError: A job folder cannot be read; raised after everything else was erased. A
                store fails.
        """
        if self._is_of_earlier_collection(erasure):
            return self._finish(erasure), ()
        self._restore_tombstone_key(erasure.receipt.collection_id)
        unreadable = list[FacerecError]()
        erasure, stored = self._with_all_faces(
            erasure, lambda each: self._erase_everywhere(each, unreadable.append)
        )
        if erasure.selection.erases_collection:
            # A concurrent job may have stored more in the meantime.
            erasure = self._erase_from_jobs(erasure, unreadable.append)
        if unreadable:
            # A repetition erases the rest, once the folder can be read or has been removed.
            self._erasures.keep(erasure)
            raise unreadable[0]
        if not erasure.selection.erases_collection and self._waits_for_import(erasure):
            self._erasures.keep(erasure)
            return erasure.receipt, stored
        return self._finish(erasure), stored

    def _erase_everywhere(
        self, erasure: Erasure, on_error: Callable[[FacerecError], None]
    ) -> tuple[Erasure, tuple[str, ...]]:
        """Erase from job folders and stores.

        Args:
            erasure: What is erased.
            on_error: Receives the error of each job folder that cannot be read or changed.

        Returns:
            The erasure with the counts of its receipt, and the ids of the faces that were stored.
        """
        erasure = self._delete_empty_users(erasure)
        self._stop_matching(erasure)
        erasure, names = self._with_photos_of_jobs(erasure, on_error)
        if erasure.selection.tombstones:
            erasure, own_names = self._keep_tombstones(erasure)
            self._copy_tombstones(erasure, names | own_names)
        erasure = self._erase_from_jobs(erasure, on_error)
        return self._erase_from_stores(erasure)

    def _with_all_faces(
        self, erasure: Erasure, steps: Callable[[Erasure], tuple[Erasure, tuple[str, ...]]]
    ) -> tuple[Erasure, tuple[str, ...]]:
        """Perform steps until the selected people have no faces that are not selected.

        The steps do not delete a person who was given another face in the meantime. That face is
        selected, and all steps are performed again.

        Raises:
            ConflictError: A person was given other faces repeatedly.
        """
        erasure, stored = steps(erasure)
        for _ in range(user_vectors.MAX_ATTEMPTS):
            if not erasure.selection.faces_of_users:
                break
            left = self._people_left(erasure.receipt.collection_id, erasure.selection)
            if not left:
                break
            found = {face_id for user in left for face_id in user.face_ids}
            erasure = self._with_faces(erasure, found - erasure.selection.face_ids)
            erasure, more = steps(erasure)
            stored += more
        else:
            raise associations.too_many_changes(min(erasure.selection.user_ids))
        return erasure, stored

    def _waits_for_import(self, erasure: Erasure) -> bool:
        created_at = erasure.selection.created_at
        return created_at is not None and self._job_data.is_importing(
            erasure.receipt.collection_id, created_at
        )

    def _perform_in_stores(
        self, erasure: Erasure, start: Callable[[str], None]
    ) -> tuple[Receipt, tuple[str, ...]]:
        """Perform the steps that concern no job folder, and start a process that performs all.

        Args:
            erasure: What is erased.
            start: See ``Erasures.start``.

        Returns:
            The receipt so far, and the ids of the faces that were stored.
        """
        if self._is_of_earlier_collection(erasure):
            return self._finish(erasure), ()
        self._restore_tombstone_key(erasure.receipt.collection_id)
        erasure, stored = self._with_all_faces(erasure, self._erase_only_stores)
        self._erasures.keep(erasure)
        start(erasure.receipt.erasure_id)
        return erasure.receipt, stored

    def _erase_only_stores(self, erasure: Erasure) -> tuple[Erasure, tuple[str, ...]]:
        """Erase from the stores.

        Returns:
            The erasure with the counts of its receipt, and the ids of the faces that were stored.
        """
        erasure = self._delete_empty_users(erasure)
        self._stop_matching(erasure)
        if erasure.selection.tombstones:
            erasure, _ = self._keep_tombstones(erasure)
        return self._erase_from_stores(erasure)

    def _finish(self, erasure: Erasure) -> Receipt:
        receipt = erasure.receipt.finished(self._clock())
        self._erasures.finish(Erasure(receipt, erasure.selection))
        return receipt

    def _with_photos_of_jobs(
        self, erasure: Erasure, on_error: Callable[[FacerecError], None]
    ) -> tuple[Erasure, set[str]]:
        """Read what the rows of jobs contain about selected photos, before these rows are erased.

        Tombstones of these photos are kept, including those without a face. If photos are selected
        by address, the faces that jobs found in them are selected too.

        Returns:
            The erasure, and the names of photos under which the tombstones are stored.
        """
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        names, moved = set[str](), frozenset[str]()
        if not selection.names_photos:
            return erasure, names
        kept = self._job_data.get(
            collection_id,
            erasures.Selection(
                photos=selection.photos, external_image_ids=selection.external_image_ids
            ),
            with_faces=bool(selection.photos),
            on_error=on_error,
        )
        with suppress(CollectionNotFoundError):
            version = self._get(collection_id).id_version
            photos = photos_of_jobs(collection_id, kept, version)
            moved = self._moved_from(collection_id, photos, selection)
            photos = [photo for photo in photos if photo.key not in moved]
            names = keep_erased_photos(collection_id, photos, selection, records=self._records)
        found = faces_of_jobs(kept, moved) if selection.photos else frozenset()
        return self._with_faces(erasure, found - selection.face_ids), names

    def _moved_from(
        self, collection_id: str, photos: Members[NamedPhoto], selection: Selection
    ) -> frozenset[str]:
        """Return the keys of photos that jobs read at selected addresses and that have since moved.

        A photo has moved if all its stored faces have other addresses, and faces of another photo
        have the selected one. Without such other faces, a copy of the photo is at the selected
        address: only the rows of jobs have the addresses of copies.
        """
        named = [photo for photo in photos if photo.uri in selection.photos and photo.key]
        keys = {photo.key for photo in named if photo.key is not None}
        stored = self._faces.get_images(collection_id, sorted(keys)) if keys else {}
        addresses = {key: {face.address for face in faces} for key, faces in stored.items()}
        # A repeated erasure may have removed the faces of the selected photo already.
        erased = {group_of(face_id) for face_id in selection.face_ids}
        here = {
            (photo.uri, photo.image_id)
            for photo in named
            if photo.key in erased or photo.uri in addresses.get(photo.key or "", ())
        }
        taken = {uri for uri, _ in here}
        staying = {
            photo.key
            for photo in photos
            if photo.external_image_id in selection.external_image_ids
            or (
                photo.uri in selection.photos
                and (photo.uri not in taken or (photo.uri, photo.image_id) in here)
            )
        }
        return frozenset(
            key
            for key in keys - staying
            if (own := addresses.get(key)) and own.isdisjoint({"", *selection.photos})
        )

    def _keep_tombstones(self, erasure: Erasure) -> tuple[Erasure, set[str]]:
        """Store tombstones of faces and photos, so that later jobs do not add them again.

        Returns:
            The erasure, including faces that a job stored before it could see the tombstones, and
            the names under which the tombstones of photos are stored.
        """
        names = self._keep_tombstones_of(erasure)
        erasure = self._with_late_faces(erasure)
        if erasure.selection.names_photos:
            names |= self._keep_tombstones_of(erasure)
        return erasure, names

    def _with_late_faces(self, erasure: Erasure) -> Erasure:
        """Select the faces that a job has stored before it could see the photos' tombstones."""
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        if not selection.names_photos:
            return erasure
        late = {
            face.face_id
            for face in self._faces.all_faces(collection_id)
            if face.external_image_id in selection.external_image_ids
            or face.address in selection.photos
        }
        return self._with_faces(erasure, late - selection.face_ids)

    def _with_faces(self, erasure: Erasure, found: Members[str]) -> Erasure:
        """Add faces to the selection, and record it."""
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        if not found:
            return erasure
        found = frozenset(found)
        keys, latest = self._emptied_photos(collection_id, selection.face_ids | found)
        selection = replace(
            selection,
            face_ids=selection.face_ids | found,
            image_keys=selection.image_keys | keys,
            latest=max(selection.latest, latest),
        )
        erasure = Erasure(erasure.receipt, selection)
        self._erasures.keep(erasure)
        return erasure

    def _erase_from_jobs(
        self, erasure: Erasure, on_error: Callable[[FacerecError], None]
    ) -> Erasure:
        """Erase from job folders, and add the counts to the receipt."""
        receipt, selection = erasure.receipt, erasure.selection
        if not (selection.face_ids or selection.names_photos or selection.erases_collection):
            return erasure
        erased = self._job_data.forget(receipt.collection_id, selection, on_error=on_error)
        receipt = replace(receipt, jobs=_merged((*receipt.jobs, *erased)))
        return Erasure(receipt, selection)

    def _is_of_earlier_collection(self, erasure: Erasure) -> bool:
        """Return whether an erasure concerns only a part of an earlier collection with the same id.

        If no collection with its id exists, job folders may still contain selected data.
        """
        selection = erasure.selection
        if selection.erases_collection or selection.created_at is None:
            return False
        with suppress(CollectionNotFoundError):
            current = self._records.get_collection(erasure.receipt.collection_id)
            return current.created_at != selection.created_at
        return False

    def _emptied_photos(
        self, collection_id: str, face_ids: Members[str]
    ) -> tuple[frozenset[str], float]:
        """Return the keys of the photos that have no stored face except the given ones.

        Returns:
            The keys, and when the last face of the photos was indexed, in seconds since 1970; 0 if
            none is stored.
        """
        keys = [key for key in {group_of(face_id) for face_id in face_ids} if is_group(key)]
        stored = self._faces.get_images(collection_id, keys) if keys else {}
        emptied = frozenset(
            key for key in keys if all(record.face_id in face_ids for record in stored.get(key, ()))
        )
        times = (record.indexed_at for records in stored.values() for record in records)
        return emptied, max(times, default=0.0)

    def _keep_tombstones_of(self, erasure: Erasure) -> set[str]:
        selection, collection_id = erasure.selection, erasure.receipt.collection_id
        ids = sorted(selection.face_ids)
        faces = self._faces.get_faces(collection_id, ids) if ids else []
        with suppress(CollectionNotFoundError):
            found = [face.record for face in faces]
            keep_tombstones(collection_id, found, records=self._records)
            if selection.cause is None:
                # This copy is neither merged with others nor deleted like entries of the history.
                keep_people(
                    collection_id,
                    selection.user_ids,
                    selection.user_names,
                    # Somebody whose faces have expired may get the name from a newer photo.
                    None if selection.only_empty_users else erasure.erased_at,
                    records=self._records,
                )
            photos = map(photo_of_face, found)
            return keep_erased_photos(collection_id, photos, selection, records=self._records)
        return set()

    def _copy_tombstones(self, erasure: Erasure, names: Members[str]) -> None:
        """Keep a copy of the tombstones of an erasure, which outlives the store of records."""
        receipt, selection = erasure.receipt, erasure.selection
        if selection.erases_collection:
            return
        with suppress(CollectionNotFoundError):
            collection = self._get(receipt.collection_id)
            copy = tombstone_copies.copy_of_erasure(
                receipt.collection_id,
                names_of_selection(selection).union(names),
                erasure_id=receipt.erasure_id,
                erased_at=erasure.erased_at,
                people=_erased_names(selection),
                emptied=selection.image_keys,
                records=self._records,
            )
            if copy is not None:
                self._job_data.keep_tombstones(collection, copy)
                tombstone_copies.mark_seen(
                    receipt.collection_id, [receipt.erasure_id], records=self._records
                )


def _erased_names(selection: Selection) -> frozenset[str]:
    """Return the ids and names that an erasure removes from people, corrections and the history."""
    own = selection.user_ids | selection.user_names if selection.erases_names else frozenset()
    return own | selection.external_image_ids


def faces_of_jobs(kept: Iterable[KeptByJob], moved: Members[str] = ()) -> frozenset[str]:
    """Return the ids of the faces that jobs have found in photos, except those of moved photos.

    A face is stored with one address of its photo. Only the rows of jobs have the addresses of
    other files with the same bytes.
    """
    found = (
        *(face["face_id"] for job in kept for row in job.rows for face in _faces_in(row)),
        *(face.record.face_id for job in kept for face in job.faces),
    )
    return frozenset(face_id for face_id in found if group_of(face_id) not in moved)


def _faces_in(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the faces that a ledger row (``schemas/ledger-row.json``) lists as stored."""
    yield from row["faces"]
    yield from row["kept"]


def _merged(jobs: Members[ErasedJob]) -> tuple[ErasedJob, ...]:
    """Return the counts of the data removed from each folder, summed over several attempts."""
    sums: dict[str, ErasedJob] = {}
    for job in jobs:
        known = sums.get(job.job_id, erasures.ErasedJob(job.job_id))
        sums[job.job_id] = erasures.ErasedJob(
            job.job_id,
            known.embeddings + job.embeddings,
            known.rows + job.rows,
            known.manifest_lines + job.manifest_lines,
            known.files + job.files,
        )
    return tuple(sums.values())
