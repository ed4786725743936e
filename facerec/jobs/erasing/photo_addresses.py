"""Finds the addresses that an erasure of an external image id must remove.

An address is kept if photos with another external image id, or without one, have it too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from facerec.core.erasures import KeptByJob, Selection
from facerec.errors import FacerecError, ObjectNotFoundError
from facerec.jobs.erasing.places import photo_lists
from facerec.jobs.erasing.tracing import kept_by_jobs
from facerec.jobs.long_files import read_lines
from facerec.jobs.remembered.erased_photos import photo_in_line

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def addresses_of(kept: Collection[KeptByJob], external_image_ids: Collection[str]) -> set[str]:
    """Return the addresses that jobs recorded for photos with certain external image ids."""
    rows = (
        row["photo"]
        for job in kept
        for row in job.rows
        if row["external_image_id"] in external_image_ids
    )
    records = (face.record for job in kept for face in job.faces)
    sources = (each.address for each in records if each.external_image_id in external_image_ids)
    return {address for address in chain(rows, sources) if address}


def addresses_of_others(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    addresses: Collection[str],
    external_image_ids: Collection[str],
    *,
    is_deleted: Callable[[str], bool],
) -> set[str]:
    """Return the given addresses that jobs also recorded for photos of somebody else.

    A photo is somebody else's if its external image id is another one or missing.
    ``is_deleted`` is that of ``collection_erasure.entries_of``.

    Raises:
        FacerecError: A job folder that may contain such addresses cannot be read.
    """
    selection = Selection(photos=frozenset(addresses))
    kept = kept_by_jobs(objects, jobs_root, collection_id, selection, is_deleted=is_deleted)
    rows = (row for job in kept for row in job.rows)
    return {row["photo"] for row in rows if row["external_image_id"] not in external_image_ids}


def remembered_addresses(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    job_folders: Collection[str],
    *,
    on_error: Callable[[FacerecError], None] | None = None,
) -> Iterator[tuple[str, str, str]]:
    """Yield the addresses of the remembered photos of a collection.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders; ends in ``/``.
        collection_id: The collection.
        job_folders: Folders of the collection's jobs.
        on_error: Receives the error of each file that cannot be read; None raises it.

    Yields:
        The file, the address of a photo, and its external image id or "".
    """
    prefixes = photo_lists(jobs_root, collection_id, list(job_folders))
    for found in chain.from_iterable(map(objects.list, prefixes)):
        try:
            for line in read_lines(objects, found.uri):
                photo = photo_in_line(line)
                if photo is not None:
                    yield found.uri, *photo[:2]
        except ObjectNotFoundError:
            continue
        except FacerecError as error:
            if on_error is None:
                raise
            on_error(error)
