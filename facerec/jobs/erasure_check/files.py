"""Lists the files of an installation, and searches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from facerec.errors import FacerecError, ObjectNotFoundError
from facerec.jobs.erasing.folder_deletion import is_own_file
from facerec.jobs.erasing.without_plan import may_be_of
from facerec.jobs.erasure_check.traces import CheckedStores, job_folders
from facerec.jobs.folders import Entry, list_entries
from facerec.jobs.job_ids import is_of_collection
from facerec.jobs.plan import read_collection_id

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

SCANNED_AT_ONCE = 16 * 1024 * 1024
"""Number of bytes of a file per read."""


def files_of(collection_id: str, stores: CheckedStores) -> Iterator[ObjectInfo]:
    """Yield all files of an installation, except the job folders of other collections.

    Raises:
        FacerecError: A folder that may be a job folder cannot be read.
    """
    own = job_folders(collection_id, stores)
    foreign = tuple(_foreign_folders(collection_id, stores))
    for root in stores.roots:
        for found in stores.objects.list(root):
            if not found.uri.startswith(foreign):
                yield found
    for folder in own:
        if not folder.startswith(stores.roots):
            for found in stores.objects.list(folder):
                if is_own_file(found.uri.removeprefix(folder)):
                    yield found


def _foreign_folders(collection_id: str, stores: CheckedStores) -> Iterator[str]:
    for entry in _entries(stores):
        owner = _owner_of(entry, stores)
        if owner not in (None, collection_id) or not may_be_of(entry, collection_id):
            yield entry.job_folder


def folders_of_unknown(collection_id: str, stores: CheckedStores) -> list[str]:
    """Return the folders beside the job folders that may be of this collection or of another one.

    Neither a plan nor the name of the folder shows to which collection it belongs.
    """
    return [
        entry.job_folder
        for entry in _entries(stores)
        if not entry.is_elsewhere
        and _owner_of(entry, stores) is None
        and is_of_collection(entry.job_id, collection_id) is None
    ]


def _entries(stores: CheckedStores) -> Iterator[Entry]:
    # A note that cannot be read is an error of ``job_folders``, if it may matter.
    return list_entries(stores.objects, stores.jobs_root, on_error=lambda *_: None)


def _owner_of(entry: Entry, stores: CheckedStores) -> str | None:
    """Return the collection that the plan of a job names; None if the plan cannot be read."""
    try:
        return read_collection_id(stores.objects, entry.job_folder)
    except FacerecError:
        return None


def scan(
    objects: ObjectStore, found: ObjectInfo, patterns: Sequence[tuple[bytes, str]]
) -> Iterator[str]:
    """Yield the kinds of data that a file contains, each once."""
    overlap = max((len(pattern) for pattern, _ in patterns), default=1) - 1
    seen: set[str] = set()
    for content in _pieces(objects, found, overlap):
        for pattern, what in patterns:
            if what not in seen and pattern in content:
                seen.add(what)
                yield what


def _pieces(objects: ObjectStore, found: ObjectInfo, overlap: int) -> Iterator[bytes]:
    for start in range(0, found.size, SCANNED_AT_ONCE):
        try:
            yield objects.read(
                found.uri, start=max(0, start - overlap), end=start + SCANNED_AT_ONCE
            )
        except ObjectNotFoundError:
            # deleted since the listing
            return
