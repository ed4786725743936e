"""Finds what job folders keep of faces and photos, for whoever asks what is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from facerec.core.erasures import KeptByJob, Selection
from facerec.core.records import StoredFace
from facerec.errors import FacerecError, InvalidInputError
from facerec.jobs.erasure import entries_of
from facerec.jobs.folder_erasure import is_selected_face
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.first_release import with_current_names
from facerec.jobs.ledger.layout import embeddings_folder
from facerec.jobs.ledger.redaction import is_selected, may_name
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.storage.objects.protocol import ObjectStore


def find_in_jobs(
    objects: ObjectStore, jobs_root: str, collection_id: str, selection: Selection
) -> list[KeptByJob]:
    """Return what the job folders of a collection keep of a selection.

    Args:
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        collection_id: the collection.
        selection: the faces and photos.

    Raises:
        FacerecError: a job folder that may contain something cannot be read.
    """
    unreadable: list[FacerecError] = []
    found = [
        KeptByJob(
            entry.job_id,
            tuple(row.to_json() for row in _rows(objects, entry.job_folder, selection)),
            tuple(_faces(objects, entry.job_folder, selection)),
        )
        for entry in entries_of(objects, jobs_root, collection_id, unreadable, sweep=False)
    ]
    if unreadable:
        raise unreadable[0]
    return [job for job in found if job.rows or job.faces]


def _rows(objects: ObjectStore, job_folder: str, selection: Selection) -> Iterator[LedgerRow]:
    for found in objects.list(f"{job_folder}ledger/"):
        content = objects.read(found.uri) if found.uri.endswith(".jsonl") else b""
        if may_name(selection, content):
            for line in content.splitlines()[1:]:
                try:
                    document = with_current_names(json.loads(line))
                    row = row_from_json(document)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise InvalidInputError(f"{found.uri} is damaged") from error
                ids = (face.face_id for face in row.stored)
                if is_selected(document, selection) or any(map(selection.contains_face, ids)):
                    yield row


def _faces(objects: ObjectStore, job_folder: str, selection: Selection) -> Iterator[StoredFace]:
    for found in objects.list(embeddings_folder(job_folder)):
        try:
            faces = read_embeddings(objects, found.uri)
        except InvalidInputError:
            # A file that a killed process left half written.
            continue
        yield from (face for face in faces if is_selected_face(face.record, selection))
