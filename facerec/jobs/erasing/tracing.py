"""Finds data about faces and photos in job folders, for exports and the check of erasures."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from itertools import chain, tee
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.core.collecting import collected, collected_unless_missing, raise_first
from facerec.core.erasures import KeptByJob, Selection
from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import require_known_header
from facerec.errors import FacerecError, InvalidInputError, JobFileError, ObjectNotFoundError
from facerec.jobs.erasing.collection_erasure import entries_of
from facerec.jobs.erasing.folder_erasure import READERS, is_selected_face
from facerec.jobs.erasing.places import NAMING_PHOTOS, Place, is_photo_list, place_uri
from facerec.jobs.folders import Entry, has_plan
from facerec.jobs.job_ids import NEVER_DELETED
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.first_release import with_current_names
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.ledger.redaction import is_selected, may_name
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.jobs.long_files import read_lines
from facerec.jobs.manifest.blanking import named_lines
from facerec.jobs.plan import is_written_manifest, read_base
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.remembered.erased_photos import listed_photo, photos_in_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from facerec.core.records import StoredFace
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

Content = TypeVar("Content")

FACE_BYTES = 4096
"""Approximate memory in bytes of a face with its embedding and its record."""

MAX_BUFFERED = 64 * 1024 * 1024
"""Maximum number of bytes that are read ahead."""


def kept_by_jobs(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    selection: Selection,
    *,
    with_faces: bool = True,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
    on_error: Callable[[FacerecError], None] | None = None,
) -> list[KeptByJob]:
    """Return the data about a selection in the job folders of a collection.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        selection: The faces and photos.
        with_faces: Whether to read the embeddings.
        is_deleted: See ``entries_of``.
        on_error: Receives the error of each folder or file that cannot be read; None raises the
            first one at the end.

    Returns:
        The data of each job that has some, without that of files which cannot be read.

    Raises:
        FacerecError: A job folder that may contain data cannot be read.
    """
    errors: list[FacerecError] = []
    found: list[KeptByJob] = []
    entries = entries_of(
        objects, jobs_root, collection_id, errors, sweep=False, is_deleted=is_deleted
    )
    for entry in entries:
        with collected(errors):
            try:
                found.append(_find_in_job(objects, entry, selection, errors, with_faces=with_faces))
            except ObjectNotFoundError:
                # The job may have since been deleted.
                if has_plan(objects, entry.job_folder):
                    raise
    memory = memory_folder(jobs_root, collection_id)
    listed = tuple(_in_lists(objects, memory, selection, errors))
    found.append(KeptByJob(PurePosixPath(memory).name, (), (), listed))
    raise_first(errors, on_error)
    return [job for job in found if not job.is_empty]


def _find_in_job(
    objects: ObjectStore,
    entry: Entry,
    selection: Selection,
    errors: list[FacerecError],
    *,
    with_faces: bool,
) -> KeptByJob:
    """Return the data of a job; errors of single files are appended to a list."""
    folder = entry.job_folder
    return KeptByJob(
        entry.job_id,
        tuple(row.to_json() for row in _rows(objects, folder, selection, errors)),
        tuple(_faces(objects, folder, selection, errors)) if with_faces else (),
        tuple(_photos(objects, folder, selection, errors)),
    )


def _photos(
    objects: ObjectStore, job_folder: str, selection: Selection, errors: list[FacerecError]
) -> Iterator[dict[str, Any]]:
    """Yield the photos in the lists of a job and in the manifests that facerec listed for it."""
    if not selection.names_photos:
        # Lists contain photos, but no faces.
        return
    base = read_base(objects, job_folder)
    for found in objects.list(place_uri(Place.MANIFEST, job_folder)):
        if not is_written_manifest(found.uri, job_folder):
            continue
        with collected(errors):
            for line in named_lines(objects, found, selection, base):
                uri = f"{base or ''}{line.get('image')}"
                yield listed_photo(uri, line.get("external_image_id"), outcome=None, faces=None)
    for place in NAMING_PHOTOS:
        yield from _in_lists(objects, place_uri(place, job_folder), selection, errors)


def _in_lists(
    objects: ObjectStore, prefix: str, selection: Selection, errors: list[FacerecError]
) -> Iterator[dict[str, Any]]:
    """Yield the photos in the lists below a prefix."""
    for found in objects.list(prefix) if selection.names_photos else ():
        if is_photo_list(PurePosixPath(found.uri).name):
            with collected(errors), suppress(ObjectNotFoundError):
                yield from photos_in_lines(read_lines(objects, found.uri), selection)


def _rows(
    objects: ObjectStore, job_folder: str, selection: Selection, errors: list[FacerecError]
) -> Iterator[LedgerRow]:
    def read(found: ObjectInfo) -> bytes:
        content = b""
        if found.uri.endswith(".jsonl"):
            with collected_unless_missing(errors):
                content = objects.read(found.uri, end=MAX_LEDGER_FILE_BYTES)
        return content if may_name(selection, content) else b""

    files, contents = tee(objects.list(place_uri(Place.LEDGER, job_folder)))
    with closing(_ahead(contents, read, len)) as read_contents:
        for found, content in zip(files, read_contents, strict=True):
            with collected(errors):
                yield from _selected_rows(found.uri, content, selection)


def _selected_rows(uri: str, content: bytes, selection: Selection) -> Iterator[LedgerRow]:
    first, *lines = content.splitlines() or [b"{}"]
    require_known_header(first, uri)
    for line in lines:
        try:
            document = with_current_names(json.loads(line))
            row = row_from_json(document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobFileError(uri, "is damaged") from error
        ids = (face.face_id for face in row.stored)
        if is_selected(document, selection) or any(map(selection.contains_face, ids)):
            yield row


def _faces(
    objects: ObjectStore, job_folder: str, selection: Selection, errors: list[FacerecError]
) -> Iterator[StoredFace]:
    def read(found: ObjectInfo) -> list[StoredFace]:
        faces: list[StoredFace] = []
        # An invalid file is a partial one, which a killed process left.
        with collected_unless_missing(errors), suppress(InvalidInputError):
            faces = read_embeddings(objects, found.uri)
        return [face for face in faces if is_selected_face(face.record, selection)]

    files = objects.list(place_uri(Place.EMBEDDINGS, job_folder))
    with closing(_ahead(files, read, lambda faces: FACE_BYTES * len(faces))) as found:
        yield from chain.from_iterable(found)


def _ahead(
    files: Iterable[ObjectInfo],
    read: Callable[[ObjectInfo], Content],
    weight: Callable[[Content], int],
) -> Generator[Content, None, None]:
    """Yield the content of each file; several are read concurrently."""
    return read_ahead(
        files, read, weight, threads=READERS, max_items=2 * READERS, max_weight=MAX_BUFFERED
    )
