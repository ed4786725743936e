"""Finds the faces that the first release deleted, which kept no tombstones.

That release removed a deleted face from the store and from the embeddings in all job folders, and
left the row that names it. So a face that such a row names, but that is missing from both, was
deleted on purpose. Before the first job of this release adds faces to a collection, tombstones of
these faces are kept: otherwise the job would add them again.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.faces import BoundingBox
from facerec.core.ids import ID_PATTERN
from facerec.core.limits import MAX_LEDGER_FILE_BYTES, MAX_PAGE
from facerec.errors import JobFolderError, ObjectNotFoundError
from facerec.gallery.erasing.tombstone_copies import mark_seen, unseen_erasures
from facerec.gallery.erasing.tombstones import keep_boxes
from facerec.jobs.erasing.places import Place, place_uri
from facerec.jobs.folders import list_entries
from facerec.jobs.plan import read_facts

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore

_ID = re.compile(ID_PATTERN.encode())


def keep_first_deletions(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
) -> None:
    """Keep tombstones of the faces of a collection that the first release deleted, once.

    Each job folder of that release is marked in the store of records and processed only once, so
    that somebody can restore these faces later.

    Args:
        collection_id: The collection, which exists.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of its faces.
        records: Store of its tombstones.

    Raises:
        JobFolderError: The note of a folder elsewhere is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of the tombstones, or the collection serves
            another model version now.
    """
    folders = dict(_folders(collection_id, objects, jobs_root))
    unseen = unseen_erasures(collection_id, list(folders), records=records)
    if not unseen:
        return
    kept = {face_id for folder in folders.values() for face_id in _kept_ids(objects, folder)}
    missing = {
        face_id: box
        for name in unseen
        for face_id, box in _named_faces(objects, folders[name])
        if face_id not in kept
    }
    ids = sorted(missing)
    for page in batches(ids, MAX_PAGE):
        stored = {face.record.face_id for face in faces.get_faces(collection_id, page)}
        deleted = {face_id: missing[face_id] for face_id in page if face_id not in stored}
        keep_boxes(collection_id, deleted, records=records)
    mark_seen(collection_id, unseen, records=records)


def _folders(collection_id: str, objects: ObjectStore, jobs_root: str) -> Iterator[tuple[str, str]]:
    """Yield a name and the folder of each job of the first release."""
    for entry in list_entries(objects, jobs_root):
        try:
            facts = read_facts(objects, entry.job_folder)
        except (ObjectNotFoundError, JobFolderError):
            # Operations for which unreadable folders matter report this folder.
            continue
        if facts.is_of_first_release and facts.collection_id == collection_id:
            yield f"first-release {entry.job_id}", entry.job_folder


def _kept_ids(objects: ObjectStore, job_folder: str) -> Iterator[str]:
    """Yield all UUIDs in the files of embeddings: the ids of the faces, and some others."""
    for found in objects.list(place_uri(Place.EMBEDDINGS, job_folder)):
        try:
            with zipfile.ZipFile(
                io.BytesIO(objects.read(found.uri, end=MAX_LEDGER_FILE_BYTES))
            ) as file:
                content = file.read("records.npy")
        except (ObjectNotFoundError, zipfile.BadZipFile, KeyError):
            # A partial file left by a killed process.
            continue
        yield from (each.decode() for each in _ID.findall(content))


def _named_faces(objects: ObjectStore, job_folder: str) -> Iterator[tuple[str, BoundingBox]]:
    """Yield the faces that a job added, as its rows name them.

    The embeddings of faces that it found in the collection are in no folder, or in another one.
    """
    for found in objects.list(place_uri(Place.LEDGER, job_folder)):
        for line in objects.read(found.uri, end=MAX_LEDGER_FILE_BYTES).splitlines()[1:]:
            try:
                row = json.loads(line)
                named = row["faces"] if row["outcome"] == "INDEXED" else ()
                for face in named:
                    yield face["face_id"], BoundingBox(**face["box"])
            except (ValueError, KeyError, TypeError):
                # A damaged row is not evidence of a deletion.
                continue
