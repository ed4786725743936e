"""All data about somebody, as an export contains it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from facerec.core.times import iso_time
from facerec.gallery.presenting.faces import stored_face_json
from facerec.gallery.presenting.history import history_entry_json
from facerec.gallery.presenting.people import registration_json

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.erasures import KeptByJob, Selection, SubjectKind
    from facerec.core.events import KeptEvent
    from facerec.core.history import Entry
    from facerec.core.records import Correction, StoredFace, User


@dataclass(frozen=True, slots=True)
class Export:
    """All data about somebody in a collection and its job folders.

    Attributes:
        collection_id: Id of the collection.
        subject: Kind of ``name``.
        name: Id of the face, path or address of the photo, external image id, or id of the person.
        exported_at: Seconds since 1970, UTC.
        faces: Stored faces with their embeddings.
        standby_faces: The same faces as the other version of an unfinished migration describes
            them.
        owners: Ids of the people that faces belong to, by face id.
        people: People whom the faces belong to, and the selected person, each with their vector,
            which is None for a person without faces.
        corrections: Corrections of the faces, and about the people and the name.
        clusters: Ids of clusters of unknown people by face id.
        not_faces: Ids of detections marked as "not a face".
        history: Entries of the history that name a face or a person, without steps about others.
        names: Display names of ``people``, by entry and person id; without those of earlier people
            with the same ids.
        events: Matches of the faces with registered people, and of the people.
        answers: Stored answers to requests with idempotency tokens that name a face or a person.
        jobs: Contents of job folders.
        thumbnails: JPEG files by face id, without those of faces whose photos cannot be read; empty
            if they were not requested.
        unreadable: Why a job folder, a file of it or a photo could not be read, each with its
            address; the data in these is missing.
    """

    collection_id: str
    subject: SubjectKind
    name: str = field(repr=False)
    exported_at: float
    faces: tuple[StoredFace, ...]
    standby_faces: tuple[StoredFace, ...]
    owners: dict[str, str]
    people: tuple[tuple[User, NDArray[np.float32] | None], ...]
    corrections: tuple[Correction, ...]
    clusters: dict[str, str]
    not_faces: tuple[str, ...]
    history: tuple[Entry, ...]
    names: dict[str, dict[str, str]] = field(repr=False)
    events: tuple[KeptEvent, ...]
    answers: tuple[str, ...] = field(repr=False)
    jobs: tuple[KeptByJob, ...]
    thumbnails: dict[str, bytes] = field(repr=False)
    unreadable: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether everything could be read, and no data was found."""
        faces = (self.faces, self.standby_faces, self.clusters, self.not_faces)
        return not any(
            (
                *faces,
                self.people,
                self.corrections,
                self.history,
                self.events,
                self.answers,
                self.jobs,
                self.unreadable,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return the export in the form of ``schemas/export.json``; thumbnails are file names."""
        return {
            "collection_id": self.collection_id,
            "subject": str(self.subject),
            "name": self.name,
            "exported_at": iso_time(self.exported_at),
            "faces": [self._face_json(face) for face in self.faces],
            "standby_faces": [
                _with_embedding(face, self.owners.get(face.record.face_id))
                for face in self.standby_faces
            ],
            "people": [
                {
                    "user_id": user.user_id,
                    "name": user.name,
                    "created_at": iso_time(user.created_at),
                    "face_ids": list(user.face_ids),
                    "registration": registration_json(user.registration),
                    "embedding": None if vector is None else list(map(float, vector)),
                }
                for user, vector in self.people
            ],
            "clusters": self.clusters,
            "not_faces": list(self.not_faces),
            "history": [
                history_entry_json(entry, self.names[entry.cause.entry_id])
                for entry in self.history
            ],
            "events": [kept.to_json() for kept in self.events],
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
            "unreadable": list(self.unreadable),
        }

    def _face_json(self, face: StoredFace) -> dict[str, Any]:
        face_id = face.record.face_id
        thumbnail = f"{face_id}.jpg" if face_id in self.thumbnails else None
        return {**_with_embedding(face, self.owners.get(face_id)), "thumbnail": thumbnail}


def own_entry(entry: Entry, subjects: Collection[str], face_ids: Collection[str]) -> Entry:
    """Return an entry of the history with only the steps that concern somebody.

    An operation may have changed several people.

    Args:
        entry: The entry.
        subjects: Ids, names and external image ids of the person or people.
        face_ids: Ids of their faces. Steps about other people keep only these.
    """
    steps = []
    for step in entry.steps:
        own = tuple(face_id for face_id in step.face_ids if face_id in face_ids)
        if not step.people.isdisjoint(subjects):
            steps.append(step)
        elif own:
            steps.append(replace(step, face_ids=own))
    return replace(entry, steps=tuple(steps))


def own_rows(job: KeptByJob, selection: Selection) -> KeptByJob:
    """Return the data of a job without the other faces of photos with a selected face."""
    rows = []
    for row in job.rows:
        named = row["external_image_id"] in selection.external_image_ids
        if not named and row["photo"] not in selection.photos:
            kept = {
                name: [face for face in row[name] if selection.contains_face(face["face_id"])]
                for name in ("faces", "kept")
            }
            row = {**row, **kept, "rejected": []}
        rows.append(row)
    return replace(job, rows=tuple(rows))


def _with_embedding(face: StoredFace, user_id: str | None) -> dict[str, Any]:
    return {
        "face": stored_face_json(face.record, user_id),
        "embedding": [float(value) for value in face.embedding],
    }
