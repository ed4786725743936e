"""Erases faces and photos from one job folder.

Faces selected by id are found by the face indexes of the job (``ledger.job_face_index``) and of its
children. So a deletion reads only the files of the children that name them, regardless of the size
of the job. A photo or an external image id is searched for in all files, since the indexes contain
only ids.

The folders of a child that names a face are listed. So files that no segment names are read too:
attempts that were overtaken or killed have left them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.core.collecting import collected_unless_missing, raise_first
from facerec.core.erasures import ErasedJob, Selection
from facerec.core.ids import first_of_group
from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import require_known_header
from facerec.errors import FacerecError, InvalidInputError, JobFileError, ObjectNotFoundError
from facerec.jobs.documents import read_document
from facerec.jobs.erasing.leftovers import delete_job_leftovers
from facerec.jobs.erasing.places import NAMING_PHOTOS, Place, is_photo_list, place_uri
from facerec.jobs.ledger.embeddings import embeddings_content, parse_embeddings
from facerec.jobs.ledger.face_index import id_prefixes, read_face_index
from facerec.jobs.ledger.job_face_index import children_of_faces, write_job_face_index
from facerec.jobs.ledger.layout import (
    child_of,
    embeddings_folder,
    ledger_folder,
    segment_uri,
    summary_uri,
)
from facerec.jobs.ledger.redaction import erase_from_failures, erase_from_segment, may_name
from facerec.jobs.manifest.blanking import blank_lines
from facerec.jobs.plan import is_written_manifest, plan_uri, source_in
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.remembered.erased_photos import erase_from_lines, note_erased_photos
from facerec.jobs.remembered.line_files import is_reservation, revoke
from facerec.storage.objects.changing import change_object

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord
    from facerec.jobs.folders import Entry
    from facerec.jobs.ledger.face_index import SegmentFaces
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

READERS = 16
"""Number of files to read concurrently."""

Item = TypeVar("Item")

Children = Collection[int] | None
"""The children whose files are searched; None for all."""


def erase_from_folder(
    objects: ObjectStore, entry: Entry, selection: Selection, memory: str
) -> ErasedJob:
    """Erase faces and photos from a job folder.

    Args:
        objects: Contains the folder.
        entry: The entry of the job.
        selection: The faces and photos to erase.
        memory: Folder with the remembered photos of the collection.

    Returns:
        Counts of the removed data.

    Raises:
        JobFileError: A file is damaged.
        ObjectNotFoundError: The job was deleted.
        StoreUnavailableError: Other processes keep changing a file.
    """
    folder = entry.job_folder
    # Rows are erased last: if the erasure is killed, they lead its repetition to all other files.
    lines = 0
    if selection.names_photos:
        delete_job_leftovers(objects, folder)
    children: Children = None
    prefixes: list[bytes] | None = None
    if selection.names_photos:
        lines = _erase_from_manifest(objects, folder, selection)
        created_at = _read_json(objects, plan_uri(folder)).get("collection_created_at")
        # The first release did not remember photos, and its plans do not contain this time.
        if created_at is not None:
            memory = f"{memory}{created_at!r}/"
            for place in NAMING_PHOTOS:
                erase_from_memory(objects, place_uri(place, folder), selection, memory)
    else:
        prefixes = selected_prefixes(selection)
        children = children_of_faces(objects, folder, prefixes)
    embeddings = _erase_embeddings(objects, folder, selection, children, prefixes)
    rows = _erase_rows(objects, folder, selection, children, prefixes)
    if prefixes is not None and children is None:
        # With an index, the next deletion does not have to search all files again.
        number = _read_json(objects, plan_uri(folder)).get("children")
        if isinstance(number, int):
            write_job_face_index(objects, folder, number)
    return replace(ErasedJob(entry.job_id, embeddings, rows), manifest_lines=lines)


def selected_prefixes(selection: Selection) -> list[bytes]:
    """Return the starts of the ids of faces that are selected by id or by image key."""
    # The common prefix of a photo's faces also finds photos whose faces are all erased.
    return id_prefixes([*selection.face_ids, *map(first_of_group, selection.image_keys)])


def _read_json(objects: ObjectStore, uri: str) -> dict[str, Any]:
    document: dict[str, Any] = read_document(objects, uri, dict, max_bytes=MAX_LEDGER_FILE_BYTES)
    return document


def _erase_from_manifest(objects: ObjectStore, job_folder: str, selection: Selection) -> int:
    """Blank the selected lines of the manifests in a job folder; return the number of lines.

    The plan is pinned to the new version of its manifest.
    """
    plan = _read_json(objects, plan_uri(job_folder))
    blanked = 0
    for found in list(objects.list(place_uri(Place.MANIFEST, job_folder))):
        if is_written_manifest(found.uri, job_folder):
            blanked += blank_lines(objects, found, selection, plan.get("base"))
    source = plan.get("source", {})
    uri = source_in(job_folder, source.get("uri", ""), plan.get("job_folder", job_folder))
    # Checked even if no line was blanked: an earlier erasure may have been killed before this.
    if is_written_manifest(uri, job_folder):
        change_object(
            objects, plan_uri(job_folder), lambda content: (_pinned(objects, content, uri), None)
        )
    return blanked


def _pinned(objects: ObjectStore, content: bytes, uri: str) -> bytes:
    """Return a plan with the current version of its manifest, which is at ``uri``."""
    plan: dict[str, Any] = json.loads(content)
    version = objects.head(uri).version
    if plan["source"]["version"] == version:
        return content
    plan["source"]["version"] = version
    return json.dumps(plan, indent=1).encode()


def erase_from_memory(objects: ObjectStore, prefix: str, selection: Selection, memory: str) -> bool:
    """Erase photos from the remembered lines below a prefix.

    Other processes that are about to write files there do not write them
    (``remembered.line_files``).

    Args:
        objects: Contains the files.
        prefix: Address of a folder or of one file.
        selection: What is erased.
        memory: Folder with the remembered photos of this creation of the collection.

    Returns:
        Whether anything was erased.

    Raises:
        StoreUnavailableError: Other processes keep changing a file.
    """

    def erase(content: bytes) -> tuple[bytes, bool]:
        written, erased = erase_from_lines(content, selection)
        if written != content:
            note_erased_photos(objects, memory, erased)
        return written, written != content

    has_erased = False
    for found in list(objects.list(prefix)):
        if is_photo_list(PurePosixPath(found.uri).name):
            if is_reservation(found.uri, found.size):
                revoke(objects, found.uri)
            with suppress(ObjectNotFoundError):
                has_erased = change_object(objects, found.uri, erase) or has_erased
    return has_erased


def _erase_rows(
    objects: ObjectStore,
    job_folder: str,
    selection: Selection,
    children: Children,
    prefixes: Collection[bytes] | None,
) -> int:
    def choose(child: int, index: Sequence[SegmentFaces], paths: list[str]) -> list[str]:
        named = {
            segment_uri("", child, segment.start)
            for segment in index
            if segment.may_name(prefixes or ())
        }
        return [path for path in paths if path in named or not _is_json(path)]

    rows = _erase_from_children(
        objects,
        job_folder,
        ledger_folder,
        children,
        None if prefixes is None else choose,
        lambda uri: _erase_from_json(objects, uri, selection, erase_from_segment),
    )
    summaries = (
        (found.uri for found in objects.list(place_uri(Place.SUMMARIES, job_folder)))
        if children is None
        else (summary_uri(job_folder, child) for child in children)
    )
    _sum_ahead(
        chain(summaries, [place_uri(Place.REPORT, job_folder)]),
        lambda uri: _erase_from_json(objects, uri, selection, erase_from_failures),
    )
    return rows


def _has_lines(uri: str) -> bool:
    return uri.endswith(".jsonl")


def _is_json(uri: str) -> bool:
    return uri.endswith((".json", ".jsonl"))


def _erase_from_json(
    objects: ObjectStore,
    uri: str,
    selection: Selection,
    erase: Callable[[bytes, Selection], tuple[bytes, int]],
) -> int:
    """Erase a selection from a file; return the number of changed rows."""
    if not _is_json(uri):
        # A partial file left by a killed process.
        objects.delete(uri)
        return 0

    def change(content: bytes) -> tuple[bytes, int]:
        require_known_header(content.partition(b"\n")[0] if _has_lines(uri) else content, uri)
        if not may_name(selection, content):
            return content, 0
        try:
            written, changed = erase(content, selection)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobFileError(uri, "is damaged") from error
        return (written, changed) if changed else (content, 0)

    try:
        return change_object(objects, uri, change)
    except ObjectNotFoundError:
        return 0


def _erase_embeddings(
    objects: ObjectStore,
    job_folder: str,
    selection: Selection,
    children: Children,
    prefixes: Collection[bytes] | None,
) -> int:
    def choose(_child: int, index: Sequence[SegmentFaces], paths: list[str]) -> list[str]:
        # A file that is not in the index was left by an attempt that was overtaken.
        others = {each.embeddings for each in index if not each.may_name(prefixes or ())}
        return [path for path in paths if path not in others]

    return _erase_from_children(
        objects,
        job_folder,
        embeddings_folder,
        children,
        None if prefixes is None else choose,
        lambda uri: _erase_from_file(objects, uri, selection),
    )


def _erase_from_children(
    objects: ObjectStore,
    job_folder: str,
    folder_of: Callable[[str, int | None], str],
    children: Children,
    choose: Callable[[int, Sequence[SegmentFaces], list[str]], list[str]] | None,
    erase: Callable[[str], int],
) -> int:
    """Erase from the files of each child in a folder; return the sum of the counts.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        folder_of: Returns the folder of a child, or of all.
        children: The children.
        choose: Returns which files of a child to erase from, given its face index and their paths
            in the job folder. None, like a missing index, erases from all files.
        erase: Erases from a file, given its uri.
    """
    numbers = [None] if children is None else sorted(children)
    found = chain.from_iterable(objects.list(folder_of(job_folder, child)) for child in numbers)

    def erase_from_child(child: int | None, paths: list[str]) -> int:
        if child is not None and choose is not None:
            index = read_face_index(objects, job_folder, child)
            if index is not None:
                paths = choose(child, index, paths)
        return _sum_of(erase, (job_folder + path for path in paths))

    return _sum_ahead(_by_child(found, job_folder), lambda item: erase_from_child(*item))


def _sum_ahead(items: Iterable[Item], erase: Callable[[Item], int]) -> int:
    """Erase from several items concurrently; return the sum of the counts.

    Raises:
        FacerecError: A file cannot be read or changed; raised after the others were erased.
        ObjectNotFoundError: The job was deleted.
    """
    errors: list[FacerecError] = []

    def erase_one(item: Item) -> int:
        with collected_unless_missing(errors):
            return erase(item)
        return 0

    erased = sum(
        read_ahead(
            items, erase_one, lambda _: 0, threads=READERS, max_items=2 * READERS, max_weight=1
        )
    )
    raise_first(errors)
    return erased


def _sum_of(erase: Callable[[str], int], uris: Iterable[str]) -> int:
    """Erase from the files of a child one by one; see ``_sum_ahead``."""
    errors: list[FacerecError] = []
    erased = 0
    for uri in uris:
        with collected_unless_missing(errors):
            erased += erase(uri)
    raise_first(errors)
    return erased


def _by_child(
    found: Iterable[ObjectInfo], job_folder: str
) -> Iterator[tuple[int | None, list[str]]]:
    """Yield the paths in the job folder of each child's files, with the child's number."""
    paths = (file.uri.removeprefix(job_folder) for file in found)
    for child, members in groupby(paths, child_of):
        yield child, list(members)


def _erase_from_file(objects: ObjectStore, uri: str, selection: Selection) -> int:
    def change(content: bytes) -> tuple[bytes | None, int]:
        try:
            faces = parse_embeddings(content, uri)
        except InvalidInputError:
            # A partial file left by a killed process may contain any face.
            return None, 0
        kept = [face for face in faces if not is_selected_face(face.record, selection)]
        erased = len(faces) - len(kept)
        if not kept:
            return None, erased
        return embeddings_content(kept) if erased else content, erased

    try:
        return change_object(objects, uri, change)
    except ObjectNotFoundError:
        return 0


def is_selected_face(record: FaceRecord, selection: Selection) -> bool:
    """Return whether a face is selected, by its id or by its photo."""
    return (
        selection.contains_face(record.face_id)
        or record.external_image_id in selection.external_image_ids
        or (record.source != "" and record.address in selection.photos)
    )
