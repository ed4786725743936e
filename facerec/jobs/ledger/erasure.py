"""Forgetting faces and jobs: what a job's folder keeps of them is deleted for good."""

from __future__ import annotations

from collections.abc import Collection

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.child.prefetch import read_ahead
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.ledger.layout import embeddings_folder
from facerec.jobs.overview import list_jobs
from facerec.storage.objects.protocol import ObjectStore

READERS = 16
"""Files of embeddings that are read at once."""


def erase_faces(objects: ObjectStore, job_folder: str, face_ids: Collection[str]) -> int:
    """Delete the embeddings and records of faces from a job's folder.

    The ledger keeps their ids, which say nothing of a person without the store.

    Args:
        objects: where the folder is.
        job_folder: its uri with the final ``/``.
        face_ids: the faces.

    Returns:
        How many of them were found.
    """
    wanted = frozenset(face_ids)

    def erase(uri: str) -> int:
        try:
            faces = read_embeddings(objects, uri)
        except ObjectNotFoundError:
            return 0
        except InvalidInputError:
            # What a killed process left half written may hold anyone.
            objects.delete(uri)
            return 0
        kept = [face for face in faces if face.record.face_id not in wanted]
        if not kept:
            objects.delete(uri)
        elif len(kept) < len(faces):
            write_embeddings(objects, uri, kept)
        return len(faces) - len(kept)

    files = (found.uri for found in objects.list(embeddings_folder(job_folder)))
    return sum(
        read_ahead(
            files,
            erase,
            lambda _: 0,
            threads=READERS,
            most_items=2 * READERS,
            most_weight=1,
        )
    )


def delete_jobs(objects: ObjectStore, jobs_root: str, collection_id: str) -> list[str]:
    """Delete the folders of all jobs of a collection: embeddings, ledger, report and plan.

    Args:
        objects: where the folders are.
        jobs_root: what they are under; ends in ``/``.
        collection_id: the collection.

    Returns:
        The ids of the jobs.
    """
    deleted = [
        job for job in list_jobs(objects, jobs_root) if job.plan.collection_id == collection_id
    ]
    for job in deleted:
        objects.delete_folder(job.plan.job_folder)
    return [job.plan.job_id for job in deleted]


def erase_faces_of_collection(
    objects: ObjectStore, jobs_root: str, collection_id: str, face_ids: Collection[str]
) -> int:
    """Delete faces from the folders of all jobs of their collection; see ``erase_faces``."""
    return sum(
        erase_faces(objects, job.plan.job_folder, face_ids)
        for job in list_jobs(objects, jobs_root)
        if job.plan.collection_id == collection_id
    )
