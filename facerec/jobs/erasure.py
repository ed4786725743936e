"""Erases faces, photos and collections from job folders, for good.

Embeddings are found in every job folder of a collection, whatever release of facerec wrote it. The
plan of a folder is deleted last, so a folder without one is left over from a killed deletion or a
concurrent child: it is deleted too. A folder that may contain embeddings and
cannot be read makes an erasure fail after everything else is erased: deleted data is gone, or the
caller gets an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from facerec.core.erasures import ErasedJob, Selection
from facerec.core.ids import first_of_group
from facerec.core.records import FaceRecord
from facerec.errors import FacerecError, InvalidInputError, JobFolderError, ObjectNotFoundError
from facerec.jobs.deletion import delete_folder, delete_note
from facerec.jobs.folders import Entry, list_entries, missing_folder
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.ledger.face_index import id_prefixes, read_face_index
from facerec.jobs.ledger.layout import (
    child_of_embeddings,
    embeddings_folder,
    memory_folder,
    remembered_uri,
    stale_uri,
)
from facerec.jobs.ledger.redaction import erase_from_failures, erase_from_segment, may_name
from facerec.jobs.manifest.blanking import blank_lines
from facerec.jobs.plan import plan_uri, read_collection_id
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.remembered.erasing import erase_from_lines, note_erased_photos
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

READERS = 16
"""Files that are read concurrently."""


def erase_faces(
    objects: ObjectStore, jobs_root: str, collection_id: str, selection: Selection
) -> list[ErasedJob]:
    """Erase faces and photos from all job folders of their collection.

    Embeddings with their records are deleted, and rows of ledgers lose what they say. Lines of
    manifests that facerec has listed are blanked if photos are selected; a job that is reading
    such a manifest is interrupted, and resumes when it is started again.

    Args:
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        collection_id: the collection.
        selection: the faces and photos.

    Returns:
        What was removed from each folder that had something to remove.

    Raises:
        FacerecError: a job folder that may contain embeddings cannot be read.
    """
    unreadable: list[FacerecError] = []
    memory = memory_folder(jobs_root, collection_id)
    erased = [
        _erase_from_folder(objects, entry, selection, memory)
        for entry in entries_of(objects, jobs_root, collection_id, unreadable)
    ]
    if selection.names_photos:
        for created in list(objects.folders(memory)):
            _erase_from_memory(objects, created, selection, created)
    _require_readable(unreadable)
    return [job for job in erased if not job.is_untouched]


def erase_collection(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_before: float | None = None
) -> list[ErasedJob]:
    """Delete the folders of all jobs of a collection: embeddings, ledger, manifest and report.

    Of folders outside of ``jobs_root``, only what facerec wrote is deleted. The plan goes last, so
    that a deletion that was killed is completed by the next one.

    Args:
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        collection_id: the collection.
        created_before: jobs of a collection of the same id that was created later stay. None
            deletes the folders of all.

    Returns:
        What was removed from each folder.

    Raises:
        FacerecError: a job folder that may contain embeddings cannot be read.
    """
    unreadable: list[FacerecError] = []
    entries = [
        entry
        for entry in entries_of(objects, jobs_root, collection_id, unreadable)
        if created_before is None or not _is_later(objects, entry, created_before)
    ]
    # A folder may be in another one: the innermost first, and none before its note is dealt with.
    entries.sort(key=lambda entry: (entry.is_elsewhere, entry.job_folder), reverse=True)
    deleted = [ErasedJob(entry.job_id, files=delete_folder(objects, entry)) for entry in entries]
    _require_readable(unreadable)
    _erase_memory(objects, jobs_root, collection_id, created_before)
    return deleted


def _erase_memory(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_before: float | None
) -> None:
    """Delete what is remembered of the photos of a collection, or of its earlier creations."""
    folder = memory_folder(jobs_root, collection_id)
    for created in list(objects.folders(folder)):
        if created_before is None or float(PurePosixPath(created).name) <= created_before:
            objects.delete_folder(created)
    if not list(objects.folders(folder)):
        objects.delete_folder(folder)


def entries_of(
    objects: ObjectStore, jobs_root: str, collection_id: str, unreadable: list[FacerecError]
) -> Iterator[Entry]:
    """Yield the entries of a collection's jobs; append folders that cannot be read to a list.

    What a killed deletion left is deleted on the way.
    """
    for entry in list_entries(objects, jobs_root):
        try:
            found = read_collection_id(objects, entry.job_folder)
        except ObjectNotFoundError:
            if entry.is_elsewhere and entry.collection_id == collection_id:
                if entry.erased:
                    delete_note(objects, entry)
                else:
                    # For example on a disk that is not mounted.
                    unreadable.append(missing_folder(entry))
            elif not entry.is_elsewhere and _has_embeddings(objects, entry.job_folder):
                delete_folder(objects, entry)
        except InvalidInputError:
            unreadable.append(_unreadable_folder(entry))
        else:
            if found == collection_id:
                yield entry
            elif entry.is_elsewhere and entry.collection_id == collection_id:
                # Another job has taken the place of this one.
                unreadable.append(missing_folder(entry))


def _is_later(objects: ObjectStore, entry: Entry, time: float) -> bool:
    """Return whether a job is of a collection that was created after a time."""
    plan = _read_json(objects, plan_uri(entry.job_folder))
    created: Any = plan.get("collection_created_at")
    return isinstance(created, int | float) and created > time


def _read_json(objects: ObjectStore, uri: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(objects.read(uri))
    return document


def _has_embeddings(objects: ObjectStore, job_folder: str) -> bool:
    return next(iter(objects.list(embeddings_folder(job_folder))), None) is not None


def _unreadable_folder(entry: Entry) -> JobFolderError:
    return JobFolderError(
        entry.job_folder,
        "cannot be read; it may contain faces to be deleted",
        "restore the folder or remove it, then delete again",
    )


def _require_readable(unreadable: list[FacerecError]) -> None:
    if unreadable:
        raise unreadable[0]


def _erase_from_folder(
    objects: ObjectStore, entry: Entry, selection: Selection, memory: str
) -> ErasedJob:
    folder = entry.job_folder
    # The rows go last: they lead to what else there is, if a killed erasure is called again.
    lines = 0
    if selection.names_photos:
        lines = _erase_from_manifest(objects, folder, selection)
        created_at = _read_json(objects, plan_uri(folder)).get("collection_created_at")
        # The first release remembered nothing, and its plans do not have this time.
        if created_at is not None:
            memory = f"{memory}{created_at!r}/"
            _erase_from_memory(objects, remembered_uri(folder), selection, memory)
            _erase_from_memory(objects, stale_uri(folder), selection, memory)
    embeddings = _erase_embeddings(objects, folder, selection)
    return replace(
        ErasedJob(entry.job_id, embeddings, _erase_rows(objects, folder, selection)),
        manifest_lines=lines,
    )


def _erase_from_manifest(objects: ObjectStore, job_folder: str, selection: Selection) -> int:
    """Blank lines of the manifests in a job folder, and pin the plan to what is left."""
    plan = _read_json(objects, plan_uri(job_folder))
    blanked = 0
    for found in list(objects.list(f"{job_folder}manifest-")):
        blanked += blank_lines(objects, found, selection, plan.get("base"))
    source = plan.get("source", {})
    uri = source.get("uri", "")
    # Also if an erasure was killed before it could do so.
    if uri.startswith(f"{job_folder}manifest-"):
        version = objects.head(uri).version
        if source["version"] != version:
            source["version"] = version
            objects.write(plan_uri(job_folder), json.dumps(plan, indent=1).encode())
    return blanked


def _erase_from_memory(
    objects: ObjectStore, prefix: str, selection: Selection, memory: str
) -> None:
    """Erase photos from the remembered lines below a prefix.

    Args:
        objects: contains the files.
        prefix: address of a folder or of one file.
        selection: what is erased.
        memory: folder of what is remembered of this creation of the collection.
    """
    for found in list(objects.list(prefix)):
        name = PurePosixPath(found.uri).name
        if not (name.isdigit() or name.endswith(("-merged", ".jsonl"))):
            # A note of a job, which names no photo.
            continue
        with suppress(ObjectNotFoundError):
            content = objects.read(found.uri)
            written, erased = erase_from_lines(content, selection)
            if written != content:
                note_erased_photos(objects, memory, erased)
                objects.write(found.uri, written)


def _erase_rows(objects: ObjectStore, job_folder: str, selection: Selection) -> int:
    rows = _erase_from_files(objects, f"{job_folder}ledger/", selection, erase_from_segment)
    _erase_from_files(objects, f"{job_folder}children/", selection, erase_from_failures)
    _erase_from_files(objects, f"{job_folder}report.json", selection, erase_from_failures)
    return rows


def _erase_from_files(
    objects: ObjectStore,
    prefix: str,
    selection: Selection,
    erase: Callable[[bytes, Selection], tuple[bytes, int]],
) -> int:
    """Erase a selection from the files below a prefix; return the number of changed rows."""

    def erase_from(found: ObjectInfo) -> int:
        if not found.uri.endswith((".json", ".jsonl")):
            # A file that a killed process left half written.
            objects.delete(found.uri)
            return 0
        with suppress(ObjectNotFoundError):
            content = objects.read(found.uri)
            if not may_name(selection, content):
                return 0
            try:
                written, changed = erase(content, selection)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidInputError(f"{found.uri} is damaged") from error
            if changed:
                objects.write(found.uri, written)
            return changed
        return 0

    return sum(
        read_ahead(
            objects.list(prefix),
            erase_from,
            lambda _: 0,
            threads=READERS,
            max_items=2 * READERS,
            max_weight=1,
        )
    )


def _erase_embeddings(objects: ObjectStore, job_folder: str, selection: Selection) -> int:
    # An index holds what all faces of a photo have in common.
    prefixes = id_prefixes([*selection.face_ids, *map(first_of_group, selection.image_keys)])

    def erase_from_child(child: tuple[int | None, list[str]]) -> int:
        number, paths = child
        index: dict[str, bool] = {}
        # The index knows ids only.
        if number is not None and not selection.names_photos:
            index = read_face_index(objects, job_folder, number, prefixes)
        # A file that the index does not name was left by an attempt that was overtaken.
        files = [path for path in paths if index.get(path, True)]
        return sum(_erase_from_file(objects, job_folder + path, selection) for path in files)

    return sum(
        read_ahead(
            _files_of_children(objects, job_folder),
            erase_from_child,
            lambda _: 0,
            threads=READERS,
            max_items=2 * READERS,
            max_weight=1,
        )
    )


def _files_of_children(
    objects: ObjectStore, job_folder: str
) -> Iterator[tuple[int | None, list[str]]]:
    """Yield the paths in the job folder of each child's embeddings, with the child's number."""
    found = objects.list(embeddings_folder(job_folder))
    paths = (file.uri.removeprefix(job_folder) for file in found)
    for child, members in groupby(paths, child_of_embeddings):
        yield child, list(members)


def _erase_from_file(objects: ObjectStore, uri: str, selection: Selection) -> int:
    try:
        faces = read_embeddings(objects, uri)
    except ObjectNotFoundError:
        return 0
    except InvalidInputError:
        # A file that a killed process left half written may contain any face.
        objects.delete(uri)
        return 0
    kept = [face for face in faces if not is_selected_face(face.record, selection)]
    if not kept:
        objects.delete(uri)
    elif len(kept) < len(faces):
        write_embeddings(objects, uri, kept)
    return len(faces) - len(kept)


def is_selected_face(record: FaceRecord, selection: Selection) -> bool:
    """Return whether a face is selected, by its id or by its photo."""
    return (
        selection.contains_face(record.face_id)
        or record.external_image_id in selection.external_image_ids
        or (record.source != "" and record.source in selection.photos)
    )
