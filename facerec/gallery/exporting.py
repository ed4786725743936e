"""Exports: all data about somebody, for a subject access request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from facerec.core.times import iso_time
from facerec.errors import ObjectNotFoundError, PhotoTooLargeError
from facerec.gallery.erasure_operations import ErasureOperations
from facerec.gallery.listing import all_history
from facerec.gallery.presenting import stored_face_json
from facerec.gallery.presenting_history import history_entry_json
from facerec.gallery.thumbnails import cut_thumbnail
from facerec.gallery.user_vectors import user_vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELD = ("faces", "people", "corrections", "clusters", "not_faces", "history", "answers", "jobs")
"""Keys of an export's document that are empty if no data is stored."""

if TYPE_CHECKING:
    from facerec.core.erasures import KeptByJob, SubjectKind
    from facerec.core.history import Entry
    from facerec.core.records import Correction, StoredFace, User


@dataclass(frozen=True, slots=True)
class Export:
    """All data about somebody in a collection and its job folders.

    Attributes:
        collection_id: Id of the collection.
        subject: Kind of ``name``.
        name: Id of the face, path of the photo, external image id, or id of the person.
        exported_at: Seconds since 1970, UTC.
        faces: Stored faces with their embeddings.
        owners: Ids of the people that faces belong to, by face id.
        people: People that the faces belong to, each with its vector, if any.
        corrections: Corrections of the faces, and about the people and the name.
        clusters: Ids of clusters of unknown people by face id.
        not_faces: Ids of detections marked as "not a face".
        history: Entries of the history that name a face or a person.
        answers: Stored answers to requests with idempotency tokens that name a face or a person.
        jobs: Contents of job folders.
        thumbnails: JPEG files by face id; faces whose photos cannot be read are omitted.
    """

    collection_id: str
    subject: SubjectKind
    name: str = field(repr=False)
    exported_at: float
    faces: tuple[StoredFace, ...]
    owners: dict[str, str]
    people: tuple[tuple[User, NDArray[np.float32] | None], ...]
    corrections: tuple[Correction, ...]
    clusters: dict[str, str]
    not_faces: tuple[str, ...]
    history: tuple[Entry, ...]
    answers: tuple[str, ...] = field(repr=False)
    jobs: tuple[KeptByJob, ...]
    thumbnails: dict[str, bytes] = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether no data is stored."""
        document = self.to_json()
        return not any(document[held] for held in HELD)

    def to_json(self) -> dict[str, Any]:
        """Return the export in the form of ``schemas/export.json``; thumbnails are file names."""
        return {
            "collection_id": self.collection_id,
            "subject": str(self.subject),
            "name": self.name,
            "exported_at": iso_time(self.exported_at),
            "faces": [self._face_json(face) for face in self.faces],
            "people": [
                {
                    "user_id": user.user_id,
                    "name": user.name,
                    "created_at": iso_time(user.created_at),
                    "face_ids": list(user.face_ids),
                    "embedding": None if vector is None else list(map(float, vector)),
                }
                for user, vector in self.people
            ],
            "clusters": self.clusters,
            "not_faces": list(self.not_faces),
            "history": [history_entry_json(entry) for entry in self.history],
            "answers": [json.loads(answer) for answer in self.answers],
            "corrections": [
                {"face_id": each.face_id, "person": each.person} for each in self.corrections
            ],
            "jobs": [
                {
                    "job_id": job.job_id,
                    "rows": list(job.rows),
                    "faces": [_with_embedding(face, None) for face in job.faces],
                    "photos": list(job.photos),
                }
                for job in self.jobs
            ],
        }

    def _face_json(self, face: StoredFace) -> dict[str, Any]:
        face_id = face.record.face_id
        thumbnail = f"{face_id}.jpg" if face_id in self.thumbnails else None
        return {**_with_embedding(face, self.owners.get(face_id)), "thumbnail": thumbnail}


def _with_embedding(face: StoredFace, user_id: str | None) -> dict[str, Any]:
    return {
        "face": stored_face_json(face.record, user_id),
        "embedding": [float(value) for value in face.embedding],
    }


class ExportOperations(ErasureOperations):
    """The operation of a gallery that exports all data about somebody."""

    def export(
        self, collection_id: str, subject: SubjectKind, name: str, *, thumbnails: bool = True
    ) -> Export:
        """Return all data about a face, a photo, an external image id or a person.

        Args:
            collection_id: Id of the collection.
            subject: See ``select``.
            name: See ``select``.
            thumbnails: Whether to cut the faces out of their photos.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            FacerecError: A job folder that may contain data cannot be read.
        """
        selection = self.select(collection_id, subject, name)
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
        vectors = [user_vector(self._faces, collection_id, user) for user in users]
        return Export(
            collection_id,
            subject,
            name,
            self._clock(),
            tuple(faces),
            owners,
            tuple(zip(users, vectors, strict=True)),
            tuple(sorted(corrections)),
            clusters,
            not_faces,
            self._history_of(collection_id, {*ids, *people, *selection.external_image_ids}),
            tuple(self._records.get_answers([*ids, *people])),
            tuple(self._job_data.get(collection_id, selection)),
            dict(self._thumbnails(faces) if thumbnails else ()),
        )

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

    def _history_of(self, collection_id: str, subjects: set[str]) -> tuple[Entry, ...]:
        """Return the entries that name a face or a person, newest first."""
        found: dict[str, Entry] = {}
        for subject in self._records.get_history_subjects(collection_id, subjects):
            for entry in all_history(collection_id, records=self._records, subject=subject):
                found[entry.cause.entry_id] = entry
        return tuple(found[entry_id] for entry_id in sorted(found, reverse=True))

    def _thumbnails(self, faces: list[StoredFace]) -> list[tuple[str, bytes]]:
        cut = []
        for face in faces:
            try:
                content = cut_thumbnail(
                    face.record,
                    objects=self._indexed_objects,
                    max_pixels=self._defaults.options.max_pixels,
                )
            except (ObjectNotFoundError, PhotoTooLargeError):
                # The photo is gone or has changed, so there is no thumbnail.
                continue
            cut.append((face.record.face_id, content))
        return cut
