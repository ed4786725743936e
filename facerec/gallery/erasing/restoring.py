"""Finds faces of a photo that were deleted on purpose, and allows them to be stored again.

Imports keep such faces deleted unless asked to restore them. A single request to index a photo
restores its faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.ids import group_of
from facerec.gallery.erasing.erased_photos import (
    NamedPhoto,
    deleted_and_erased,
    photo_of_face,
    remove_erased_photos,
)
from facerec.gallery.erasing.tombstones import (
    box_in,
    deleted_imports,
    get_texts,
    is_of_deleted,
    remove_tombstones,
)
from facerec.gallery.indexing.storing import pair_boxes

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord
    from facerec.gallery.indexing.records import IndexedImage
    from facerec.gallery.transfer import importing
    from facerec.gallery.transfer.importing import KnownFace
else:
    importing = DeferredModule("facerec.gallery.transfer.importing")

Faces = Mapping["IndexedImage", Sequence["FaceRecord"]]
"""Faces by photo. The ids may be those of another service."""


def find_deleted(collection_id: str, faces: Faces, *, records: RecordStore) -> frozenset[str]:
    """Return the ids of the faces that were deleted, or whose photos were erased.

    Args:
        collection_id: Id of the collection.
        faces: The faces by photo; their ids may be those of another service.
        records: Store of the tombstones.
    """
    deleted = deleted_imports(
        collection_id, {image.image_key: own for image, own in faces.items()}, records=records
    )
    # When an imported face was erased, it had the names that its photo has in the other service.
    pairs = [
        (record.face_id, photo)
        for image, own in faces.items()
        for record in own
        for photo in (_photo_of(image), photo_of_face(record))
    ]
    _, erased = deleted_and_erased(
        collection_id, (), [photo for _, photo in pairs], records=records
    )
    return deleted | {pairs[number][0] for number in erased}


def find_deleted_known(
    collection_id: str, known: Sequence[KnownFace], *, records: RecordStore
) -> frozenset[str]:
    """Return the ids of another service's faces that were imported, and deleted or erased here.

    Their photos need not exist any more: a face that was imported left a tombstone under the names
    that it has in the other service.
    """
    groups: dict[str, list[KnownFace]] = {}
    for face in known:
        groups.setdefault(group_of(face.face_id), []).append(face)
    deleted = set[str]()
    for group, texts in get_texts(collection_id, list(groups), records=records).items():
        own = groups[group]
        pairs = pair_boxes(
            [face.box for face in own],
            [box_in(text) for text in sorted(texts) if is_of_deleted(text)],
            min_share=importing.MIN_SHARED,
        )
        deleted |= {own[here].face_id for here, _ in pairs}
    photos = [
        NamedPhoto("", face.external_image_id, face.image_id, group_of(face.face_id))
        for face in known
    ]
    _, erased = deleted_and_erased(collection_id, (), photos, records=records)
    return frozenset(deleted) | {known[number].face_id for number in erased}


def remove_all_tombstones(collection_id: str, faces: Faces, *, records: RecordStore) -> bool:
    """Remove the tombstones of faces that are stored on purpose, and of their photos.

    Returns:
        Whether there were any tombstones.

    Raises:
        ConflictError: Too many concurrent changes of the tombstones.
    """
    by_key: dict[str, list[FaceRecord]] = {}
    photos = [_photo_of(image) for image in faces]
    for image, own in faces.items():
        by_key.setdefault(image.image_key, []).extend(own)
        for record in own:
            if group_of(record.face_id) != image.image_key:
                by_key.setdefault(group_of(record.face_id), []).append(record)
        photos += map(photo_of_face, own)
    faces_lifted = remove_tombstones(collection_id, by_key, records=records)
    photos_lifted = remove_erased_photos(collection_id, _unique(photos), records=records)
    return faces_lifted or photos_lifted


def _photo_of(image: IndexedImage) -> NamedPhoto:
    return NamedPhoto(image.source, image.external_image_id, image.image_id, image.image_key)


def _unique(photos: Iterable[NamedPhoto]) -> list[NamedPhoto]:
    return list(dict.fromkeys(photos))
