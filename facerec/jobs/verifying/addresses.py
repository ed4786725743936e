"""Corrects the addresses of faces in an older copy of the store.

A photo that moves under the same external image id keeps its face ids, so a comparison of ids does
not show that an older copy has the earlier addresses. The right address of a face is the one in the
newest row that names it, apart from rows of photos that were copies when they were read. Rows are
newer if they were written later, whichever job was started last: a job that is started again reads
no photo that has not changed, so its old rows stay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.batches import batches
from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.jobs.verifying.segment_check import delete_again

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.jobs.verifying.statements import LastStatements
    from facerec.storage.faces import FaceStore

FACES_AT_ONCE = 1000
"""Number of faces to read and store together."""


def correct_addresses(
    collection: Collection,
    last: LastStatements,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
) -> int:
    """Return the number of stored faces with an address other than that in the newest row.

    With ``repair``, stores the addresses of these rows. A face that a request stored after such a
    row was written keeps its address.

    Args:
        collection: The collection.
        last: Statements of all jobs of the collection, which were compared.
        faces: The store of the collection.
        records: Store of its people.
        repair: Whether to store the correct addresses.

    Raises:
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: The collection serves another model version now.
    """
    collection_id, own, found = collection.collection_id, faces.of(collection), 0
    for ids in batches(sorted(last.elsewhere), FACES_AT_ONCE):
        moved: dict[str, list[StoredFace]] = {}
        for face in own.get_faces(collection_id, ids):
            record, place = face.record, last.elsewhere[face.record.face_id]
            if record.address != place.uri and record.indexed_at <= place.read_at:
                there = replace(record, source=storable_source(place.uri))
                moved.setdefault(group_of(record.face_id), []).append(
                    StoredFace(there, face.embedding)
                )
        found += sum(map(len, moved.values()))
        if repair and moved:
            own.add_to_images(collection_id, moved)
            delete_again(collection_id, moved, own, records)
    return found
