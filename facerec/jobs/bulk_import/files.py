"""Writes the files to import, from the embeddings of complete children.

The embeddings in a job folder are those of the ledger's faces, and erased faces are removed from
them. So files that are written after an erasure do not contain its faces.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.bulk_import.copies import CopiedPhotos
from facerec.jobs.bulk_import.progress import ImportStep, job_files_folder, note_progress
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.face_index import read_face_index
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.prefetch import read_ahead
from facerec.storage.faces import to_vector
from facerec.storage.namespaces import faces_namespace
from facerec.storage.pinecone.parquet import ImportFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facerec.core.vectors import Vector
    from facerec.jobs.bulk_import.progress import ImportProgress
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

FACES_PER_FILE = 100_000
"""A file ends with the child that brings it to this number of faces: about 120 MB. 100 million
faces, the maximum of an import, are 1,000 files."""

READERS = 16
"""Number of children whose embeddings are read concurrently: about 5 MB for each."""


def write_files(
    plan: Plan,
    objects: ObjectStore,
    progress: ImportProgress,
    version: str,
    *,
    has_time: Callable[[], bool],
) -> tuple[ImportProgress, str]:
    """Write the faces of all children not written yet, recording the progress after each file.

    Args:
        plan: Plan of a job whose children are complete.
        objects: Contains the job folder.
        progress: The progress of its import.
        version: Version of the object with the progress.
        has_time: Returns whether to begin another file.

    Returns:
        The new progress, and the version of its object. The next step is ``IMPORT`` if everything
        is written.

    Raises:
        StoreUnavailableError: Another execution writes the same files, or a store fails.
        InvalidInputError: A segment is damaged.
        ConfigurationError: pyarrow is not installed.
    """
    copied = CopiedPhotos(plan, objects, progress.next_child)
    children = read_ahead(
        range(progress.next_child, plan.children),
        lambda child: list(_vectors_of_child(plan, objects, child)),
        len,
        threads=READERS,
        max_items=2 * READERS,
        max_weight=FACES_PER_FILE,
    )
    with closing(children):
        while progress.next_child < plan.children and has_time():
            progress = _write_file(plan, objects, progress, map(copied.take, children))
            version = note_progress(plan, objects, progress, version)
    if progress.next_child == plan.children:
        progress = replace(progress, step=ImportStep.IMPORT)
        version = note_progress(plan, objects, progress, version)
    return progress, version


def folder_of_attempt(plan: Plan, progress: ImportProgress) -> str:
    """Return the folder that Pinecone imports, with the final ``/``."""
    return f"{job_files_folder(plan)}{progress.attempt}/"


def _write_file(
    plan: Plan, objects: ObjectStore, progress: ImportProgress, children: Iterator[list[Vector]]
) -> ImportProgress:
    """Write the faces of the next children, if any, into a file; return the progress."""
    first, written, number = progress.next_child, 0, progress.next_child
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        with ImportFile(Path(file.name)) as target:
            for vectors in children:
                number += 1
                if vectors:
                    target.write(vectors)
                    written += len(vectors)
                if written >= FACES_PER_FILE:
                    break
        if written:
            namespace = faces_namespace(collection_of(plan))
            uri = f"{folder_of_attempt(plan, progress)}{namespace}/{first:07d}.parquet"
            objects.write_file(uri, Path(file.name))
    return replace(
        progress,
        next_child=number,
        faces=progress.faces + written,
        files=progress.files + (1 if written else 0),
    )


def _vectors_of_child(plan: Plan, objects: ObjectStore, child: int) -> Iterator[Vector]:
    """Yield the vectors of the faces of a child, each id once."""
    seen: set[str] = set()
    for path in _embeddings_of_child(plan, objects, child):
        try:
            faces = read_embeddings(objects, plan.job_folder + path)
        except (ObjectNotFoundError, InvalidInputError):
            # An erasure has removed the file with all its faces.
            continue
        for face in faces:
            if face.record.face_id not in seen:
                seen.add(face.record.face_id)
                yield to_vector(face)


def _embeddings_of_child(plan: Plan, objects: ObjectStore, child: int) -> list[str]:
    """Return the paths of the embeddings that the segments of a complete child name, in order."""
    index = read_face_index(objects, plan.job_folder, child)
    segments = read_segments(objects, plan.job_folder, child) if index is None else ()
    paths = chain((each.embeddings for each in index or ()), (each.embeddings for each in segments))
    return [path for path in paths if path is not None]
