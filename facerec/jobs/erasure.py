"""Erases faces and collections from job folders, for good.

Embeddings are found in every job folder of a collection, whatever release of facerec wrote it. The
plan of a folder is deleted last, so a folder without one is left over from a killed deletion or a
concurrent child: it is deleted too. A folder that may contain embeddings and
cannot be read makes an erasure fail after everything else is erased: deleted data is gone, or the
caller gets an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

from facerec.errors import FacerecError, InvalidInputError, ObjectNotFoundError
from facerec.jobs.folders import Entry, list_entries, missing_folder, note_erased
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.ledger.face_index import id_prefixes, read_face_index
from facerec.jobs.ledger.layout import child_of_embeddings, embeddings_folder
from facerec.jobs.plan import plan_uri, read_collection_id
from facerec.jobs.prefetch import read_ahead
from facerec.storage.objects.protocol import ObjectStore

READERS = 16
"""Files of embeddings that are read concurrently."""

_SUBFOLDERS = ("embeddings", "index", "ledger", "children", "crashes")


def erase_faces(
    objects: ObjectStore, jobs_root: str, collection_id: str, face_ids: Collection[str]
) -> int:
    """Delete the embeddings and records of faces from all job folders of their collection.

    The ledgers keep the ids of the faces, which identify nobody without the store.

    Args:
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        collection_id: the collection.
        face_ids: the faces.

    Returns:
        How many embeddings were deleted.

    Raises:
        FacerecError: a job folder that may contain embeddings cannot be read.
    """
    unreadable: list[FacerecError] = []
    erased = sum(
        _erase_from_folder(objects, entry.job_folder, frozenset(face_ids))
        for entry in _entries_of(objects, jobs_root, collection_id, unreadable)
    )
    _require_readable(unreadable)
    return erased


def erase_collection(objects: ObjectStore, jobs_root: str, collection_id: str) -> int:
    """Delete the folders of all jobs of a collection: embeddings, ledger, manifest and report.

    The plan goes last, so that a deletion that was killed is completed by the next one.

    Returns:
        How many job folders were deleted.

    Raises:
        FacerecError: a job folder that may contain embeddings cannot be read.
    """
    unreadable: list[FacerecError] = []
    deleted = 0
    entries = list(_entries_of(objects, jobs_root, collection_id, unreadable))
    # A folder may be in another one: the innermost first, and none before its note is dealt with.
    entries.sort(key=lambda entry: (entry.is_elsewhere, entry.job_folder), reverse=True)
    for entry in entries:
        _delete_folder(objects, entry)
        deleted += 1
    _require_readable(unreadable)
    return deleted


def _entries_of(
    objects: ObjectStore, jobs_root: str, collection_id: str, unreadable: list[FacerecError]
) -> Iterator[Entry]:
    """Yield the entries of a collection's jobs; append folders that cannot be read to a list."""
    for entry in list_entries(objects, jobs_root):
        try:
            found = read_collection_id(objects, entry.job_folder)
        except ObjectNotFoundError:
            if entry.is_elsewhere and entry.collection_id == collection_id:
                if entry.erased:
                    _delete_note(objects, entry)
                else:
                    # For example on a disk that is not mounted.
                    unreadable.append(missing_folder(entry))
            elif not entry.is_elsewhere and _has_embeddings(objects, entry.job_folder):
                _delete_folder(objects, entry)
        except InvalidInputError:
            unreadable.append(_unreadable_folder(entry))
        else:
            if found == collection_id:
                yield entry
            elif entry.is_elsewhere and entry.collection_id == collection_id:
                # Another job has taken the place of this one.
                unreadable.append(missing_folder(entry))


def _delete_folder(objects: ObjectStore, entry: Entry) -> None:
    folder, plan = entry.job_folder, plan_uri(entry.job_folder)
    for name in _SUBFOLDERS:
        objects.delete_folder(f"{folder}{name}/")
    for found in list(objects.list(folder)):
        if found.uri not in (plan, entry.note):
            objects.delete(found.uri)
    if entry.is_elsewhere:
        # Once the plan is gone, a deletion that was killed here looks like a missing folder.
        note_erased(objects, entry)
        objects.delete_folder(folder)
        _delete_note(objects, entry)
    elif _exists(objects, entry.note):
        objects.delete(plan)
    else:
        objects.delete_folder(folder)


def _delete_note(objects: ObjectStore, entry: Entry) -> None:
    if all(found.uri == entry.note for found in objects.list(entry.uri)):
        objects.delete_folder(entry.uri)
    else:
        objects.delete(entry.note)


def _exists(objects: ObjectStore, uri: str) -> bool:
    try:
        objects.head(uri)
    except ObjectNotFoundError:
        return False
    return True


def _has_embeddings(objects: ObjectStore, job_folder: str) -> bool:
    return next(iter(objects.list(embeddings_folder(job_folder))), None) is not None


def _unreadable_folder(entry: Entry) -> FacerecError:
    return FacerecError(
        f"the job folder {entry.job_folder} cannot be read; it may contain faces to be deleted",
        "restore the folder or remove it, then delete again",
    )


def _require_readable(unreadable: list[FacerecError]) -> None:
    if unreadable:
        raise unreadable[0]


def _erase_from_folder(objects: ObjectStore, job_folder: str, face_ids: frozenset[str]) -> int:
    prefixes = id_prefixes(face_ids)

    def erase_from_child(child: tuple[int | None, list[str]]) -> int:
        number, paths = child
        index: dict[str, bool] = {}
        if number is not None:
            index = read_face_index(objects, job_folder, number, prefixes)
        # A file that the index does not name was left by an attempt that was overtaken.
        files = [path for path in paths if index.get(path, True)]
        return sum(_erase_from_file(objects, job_folder + path, face_ids) for path in files)

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


def _erase_from_file(objects: ObjectStore, uri: str, face_ids: frozenset[str]) -> int:
    try:
        faces = read_embeddings(objects, uri)
    except ObjectNotFoundError:
        return 0
    except InvalidInputError:
        # A file that a killed process left half written may contain any face.
        objects.delete(uri)
        return 0
    kept = [face for face in faces if face.record.face_id not in face_ids]
    if not kept:
        objects.delete(uri)
    elif len(kept) < len(faces):
        write_embeddings(objects, uri, kept)
    return len(faces) - len(kept)
