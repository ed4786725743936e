"""Photos that have lost faces to deletions: their remaining faces may be of bystanders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.ids import group_of
from facerec.gallery.erasing.tombstones import box_in, get_texts, is_of_deleted
from facerec.gallery.indexing.storing import pair_boxes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord


def are_partly_deleted(
    collection_id: str, photos: Sequence[Sequence[FaceRecord]], *, records: RecordStore
) -> list[bool]:
    """Return, for each photo, whether one of its faces was deleted and not stored again.

    Takes one request, plus one per 100 photos if the collection ever had a tombstone.

    Args:
        collection_id: The collection.
        photos: The stored faces of each photo. A photo that was indexed several times has its
            faces several times.
        records: Store of the tombstones.
    """
    keys = {group_of(record.face_id) for photo in photos for record in photo}
    texts = get_texts(collection_id, sorted(keys), records=records)
    return (
        [_is_partly_deleted(photo, texts) for photo in photos] if texts else [False] * len(photos)
    )


def _is_partly_deleted(photo: Sequence[FaceRecord], texts: Mapping[str, Collection[str]]) -> bool:
    deleted = {
        text
        for key in {group_of(record.face_id) for record in photo}
        for text in texts.get(key, ())
        if is_of_deleted(text)
    }
    stored = [record.box for record in photo]
    return any(not pair_boxes([box_in(text)], stored) for text in deleted)
