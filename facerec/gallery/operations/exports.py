"""Exports: all data about somebody, for a subject access request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import (
    FacerecError,
    NotFoundError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    StoreUnavailableError,
)
from facerec.gallery.listing import all_history
from facerec.gallery.operations.selections import SelectionOperations
from facerec.gallery.people.names import names_in_history
from facerec.gallery.people.user_vectors import user_vector
from facerec.gallery.thumbnails import thumbnail_of

if TYPE_CHECKING:
    from facerec.core.erasures import SubjectKind
    from facerec.core.events import KeptEvent
    from facerec.core.history import Entry
    from facerec.core.records import StoredFace
    from facerec.gallery.transfer import exported_data
    from facerec.gallery.transfer.exported_data import Export
else:
    from facerec.core.deferred import DeferredModule

    exported_data = DeferredModule("facerec.gallery.transfer.exported_data")


class ExportOperations(SelectionOperations):
    """The operation of a gallery that exports all data about somebody."""

    def export(
        self, collection_id: str, subject: SubjectKind, name: str, *, thumbnails: bool = True
    ) -> Export:
        """Return all data about a face, a photo, an external image id or a person.

        A job folder, a file or a photo that cannot be read is named in ``Export.unreadable``;
        everything else is exported.

        Args:
            collection_id: Id of the collection.
            subject: See ``select``.
            name: See ``select``.
            thumbnails: Whether to return thumbnails of the faces: the stored ones, or else ones cut
                from their photos.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
            NotFoundError: No data is stored.
            FacerecError: A store fails.
        """
        errors = list[FacerecError]()
        selection = self.select(collection_id, subject, name, on_error=errors.append)
        ids = sorted(selection.face_ids)
        faces = self._faces.get_faces(collection_id, ids) if ids else []
        owners = self._records.users_of_faces(collection_id, ids) if ids else {}
        people = sorted({*owners.values(), *selection.user_ids})
        names = sorted({*people, *selection.external_image_ids})
        corrections = {
            *(self._records.corrections_of_faces(collection_id, ids) if ids else ()),
            *(self._records.corrections_of_people(collection_id, names) if names else ()),
        }
        clusters, not_faces = self._clustered(collection_id, ids)
        users = self._records.get_users(collection_id, people)
        history = self._history_of(
            collection_id, {*people, *selection.external_image_ids, *selection.user_names}, ids
        )
        vectors = [user_vector(self._faces, collection_id, user) for user in users]
        jobs = self._job_data.get(collection_id, selection, on_error=errors.append)
        cut = dict(self._thumbnails_of(collection_id, faces, errors) if thumbnails else ())
        exported = exported_data.Export(
            collection_id,
            subject,
            name,
            self._clock(),
            tuple(faces),
            self._standby_faces(collection_id, ids),
            owners,
            tuple(zip(users, vectors, strict=True)),
            tuple(sorted(corrections)),
            clusters,
            not_faces,
            history,
            self._own_names(collection_id, history, people),
            self._events_about(collection_id, people, ids),
            tuple(self._records.get_answers([*ids, *people])),
            tuple(exported_data.own_rows(job, selection) for job in jobs),
            cut,
            tuple(dict.fromkeys(map(str, errors))),
        )
        if exported.is_empty:
            raise NotFoundError(
                f"nothing is stored about this subject in collection {collection_id!r} or its jobs",
                "check the name; it is compared exactly",
            )
        return exported

    def _events_about(
        self, collection_id: str, people: list[str], face_ids: list[str]
    ) -> tuple[KeptEvent, ...]:
        """Return the events of these people and of these faces."""
        if self._registrations is None:
            return ()
        return tuple(self._registrations.events_about(collection_id, people, face_ids))

    def _standby_faces(self, collection_id: str, face_ids: list[str]) -> tuple[StoredFace, ...]:
        """Return the faces as the other version of an unfinished migration describes them."""
        if self._migrations is None or not face_ids:
            return ()
        return tuple(self._migrations.get_standby_faces(collection_id, face_ids))

    def _clustered(
        self, collection_id: str, face_ids: list[str]
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the cluster ids by face id, and the ids of faces marked as "not a face"."""
        if self._clusters is None or not face_ids:
            return {}, ()
        numbers = self._clusters.clusters_of_faces(collection_id, face_ids)
        not_faces = set(self._clusters.list_not_faces(collection_id))
        return (
            {face_id: f"c{numbers[face_id]}" for face_id in sorted(numbers)},
            tuple(face_id for face_id in face_ids if face_id in not_faces),
        )

    def _history_of(
        self, collection_id: str, people: set[str], face_ids: list[str]
    ) -> tuple[Entry, ...]:
        """Return the history entries about faces and people, without other people, newest first."""
        found: dict[str, Entry] = {}
        subjects = {*people, *face_ids}
        for subject in self._records.get_history_subjects(collection_id, subjects):
            for entry in all_history(collection_id, records=self._records, subject=subject):
                own = exported_data.own_entry(entry, people, face_ids)
                found[entry.cause.entry_id] = own
        return tuple(found[entry_id] for entry_id in sorted(found, reverse=True))

    def _own_names(
        self, collection_id: str, history: tuple[Entry, ...], people: list[str]
    ) -> dict[str, dict[str, str]]:
        """Return the display names of these people, by entry and person id."""
        found = names_in_history(collection_id, history, records=self._records)
        return {
            entry_id: {person: name for person, name in names.items() if person in people}
            for entry_id, names in found.items()
        }

    def _thumbnails_of(
        self, collection_id: str, faces: list[StoredFace], errors: list[FacerecError]
    ) -> list[tuple[str, bytes]]:
        """Return the thumbnails of faces; append the errors of unreadable photos to a list."""
        found = []
        for face in faces:
            try:
                content = thumbnail_of(
                    collection_id,
                    face.record,
                    thumbnails=self._thumbnails,
                    objects=self._indexed_objects,
                    max_pixels=self._defaults.options.max_pixels,
                )
            except (ObjectNotFoundError, PhotoTooLargeError):
                # No thumbnail is kept, and the photo is gone or has changed.
                continue
            except StoreUnavailableError as error:
                errors.append(error)
                continue
            found.append((face.record.face_id, content))
        return found
