"""Replaces the embeddings in job folders, once a collection has another model version.

A lost database is restored from job folders, so these must have the version of the collection. An
embedding whose face the collection does not have cannot be replaced: it is removed. The plan of a
folder is changed after its embeddings, so that a repetition finds the folders that are left.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.records import StoredFace
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.documents import read_document
from facerec.jobs.erasing.collection_erasure import entries_of
from facerec.jobs.erasing.folder_lock import folder_lock
from facerec.jobs.job_ids import NEVER_DELETED
from facerec.jobs.ledger.embeddings import embeddings_content, parse_embeddings
from facerec.jobs.ledger.layout import embeddings_folder
from facerec.jobs.plan import PLAN_VERSION, plan_uri
from facerec.storage.objects.changing import change_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.core.records import Collection
    from facerec.errors import FacerecError
    from facerec.storage.objects.protocol import ObjectStore


def change_version(
    objects: ObjectStore,
    jobs_root: str,
    collection: Collection,
    get_faces: Callable[[Sequence[str]], Sequence[StoredFace]],
    *,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
) -> tuple[int, int]:
    """Replace the embeddings in the job folders of a collection by those that it serves.

    Folders that already have this version, and those of other releases, are skipped.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection: The collection.
        get_faces: Returns the stored faces among those with the given ids.
        is_deleted: See ``entries_of``.

    Returns:
        The numbers of embeddings that were replaced and that were removed.

    Raises:
        FacerecError: A job folder that may contain embeddings cannot be read.
    """
    unreadable: list[FacerecError] = []
    folders = [
        entry.job_folder
        for entry in entries_of(
            objects, jobs_root, collection.collection_id, unreadable, is_deleted=is_deleted
        )
    ]
    if unreadable:
        raise unreadable[0]
    replaced = dropped = 0
    for folder in folders:
        version, model_version = read_document(
            objects,
            plan_uri(folder),
            lambda plan: (plan.get("version"), plan.get("model_version")),
        )
        if version != PLAN_VERSION or model_version == collection.model_version:
            continue
        with folder_lock(jobs_root):
            own = _change_folder(objects, folder, collection, get_faces)
        replaced, dropped = replaced + own[0], dropped + own[1]
        # The folder may have been deleted in the meantime.
        with suppress(ObjectNotFoundError):
            change_object(
                objects, plan_uri(folder), lambda plan: (_changed_plan(plan, collection), None)
            )
    return replaced, dropped


def _changed_plan(content: bytes, collection: Collection) -> bytes:
    """Return a plan with the versions of a collection."""
    document = json.loads(content)
    document["model_version"] = collection.model_version
    document["first_version"] = collection.first_version
    return json.dumps(document, indent=1).encode()


def _change_folder(
    objects: ObjectStore,
    job_folder: str,
    collection: Collection,
    get_faces: Callable[[Sequence[str]], Sequence[StoredFace]],
) -> tuple[int, int]:
    """Change a folder; return the numbers of replaced and of removed embeddings."""
    replaced = dropped = 0
    for found in list(objects.list(embeddings_folder(job_folder))):
        own = _change_file(objects, found.uri, collection, get_faces)
        replaced, dropped = replaced + own[0], dropped + own[1]
    return replaced, dropped


def _change_file(
    objects: ObjectStore,
    uri: str,
    collection: Collection,
    get_faces: Callable[[Sequence[str]], Sequence[StoredFace]],
) -> tuple[int, int]:
    """Change a file unless another process changes it concurrently; see ``_change_folder``."""

    def change(content: bytes) -> tuple[bytes | None, tuple[int, int]]:
        try:
            faces = parse_embeddings(content, uri)
        except InvalidInputError:
            # A partial file left by a killed process.
            return None, (0, 0)
        current = {
            face.record.face_id: face
            for face in get_faces([face.record.face_id for face in faces])
            if face.record.model_version == collection.model_version
        }
        changed = [
            _described_again(face, current[face.record.face_id])
            for face in faces
            if face.record.face_id in current
        ]
        counts = (len(changed), len(faces) - len(changed))
        return (embeddings_content(changed) if changed else None), counts

    try:
        return change_object(objects, uri, change)
    except ObjectNotFoundError:
        return 0, 0


def _described_again(face: StoredFace, current: StoredFace) -> StoredFace:
    """Return a face from a job folder with the embedding that the collection has for it."""
    record = replace(
        face.record, model_version=current.record.model_version, stats=current.record.stats
    )
    return StoredFace(record, current.embedding)
