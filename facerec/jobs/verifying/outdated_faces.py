"""Removes faces from an older copy of the store that jobs had already removed.

A job removes the faces of photos that were replaced or are gone, or that have another external
image id now (``jobs.stale_faces``), and their rows are erased from ledgers. The rows of erased
photos are erased as well, and a job with other options may have removed faces of these photos
before. So a comparison of an older copy with the ledgers does not find these faces; the records of
removals and erasures do (``facerec.gallery.erasing.removal_copies``). If a later job has indexed
such a photo again, a ledger names it again, and its faces stay. So this comes after the comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.gallery.erasing.removal_copies import (
    OutdatedFaces,
    find_outdated,
    remove_outdated,
)
from facerec.gallery.erasing.tombstone_copies import mark_seen, unseen_erasures

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.jobs.erasing.lost_erasures import Returned
    from facerec.jobs.verifying.statements import LastStatements
    from facerec.storage.faces import FaceStore


def remove_outdated_faces(
    collection: Collection,
    returned: Returned,
    last: LastStatements,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
    is_complete: bool,
) -> int:
    """Return the number of faces of removed photos that an older copy of the store brought back.

    With ``repair``, removes them.

    Args:
        collection: The collection.
        returned: The result of ``remove_returned``.
        last: Statements of all jobs of the collection, which were compared.
        faces: The store of the collection.
        records: Store of its people.
        repair: Whether to remove these faces. Their people and corrections are handed over to the
            faces that have replaced them.
        is_complete: Whether all jobs could be compared. If not, no face is removed: a job that
            cannot be read may have indexed such a photo again.

    Raises:
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
    """
    done = returned.removals
    if not done:
        return 0
    collection_id, own, found = collection.collection_id, faces.of(collection), OutdatedFaces()
    if is_complete:
        found = find_outdated(collection_id, done, last.has_photo, faces=own, records=records)
    else:
        # Erasures have been repeated; a later comparison repeats the removals of jobs.
        done = tuple(copy for copy in done if copy.places or copy.people)
    if repair:
        remove_outdated(collection_id, found, faces=own, records=records)
        removals = [copy.erasure_id for copy in done]
        unseen = unseen_erasures(collection_id, removals, records=records)
        mark_seen(collection_id, unseen, records=records)
    return len(found.stored)
