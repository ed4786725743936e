"""Tombstones: where faces were that somebody deleted, so that no job adds them again.

A job makes a collection be what its manifest says, and the manifest still names the photo of a face
that was deleted. So a deletion leaves a tombstone: a keyed hash of the photo in its collection, and
the box of the face. Whoever stores faces of many photos asks for the tombstones of the photos, and
omits faces at these places, whatever the options. A single request to index a photo is a
deliberate act: it stores the faces and removes their tombstones. So does a job that is asked to
restore deleted faces.

A tombstone identifies nobody. The hash covers the content of the photo, the external image id, the
model version and the collection, with a random key that is kept with the collection's records and
deleted with them; without the photo and the key, it says nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence

from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of
from facerec.core.protocols import RecordStore
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.storing import same_places

KEY_BYTES = 32
"""Length of a key: that of the hash, SHA-256 (https://www.rfc-editor.org/rfc/rfc2104#section-3)."""

DeletedPlaces = dict[str, tuple[BoundingBox, ...]]
"""Boxes of deleted faces by image key."""


def keep_tombstones(
    collection_id: str, records: Iterable[FaceRecord], *, store: RecordStore
) -> None:
    """Keep a tombstone of each of some faces; call it before they are deleted.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    boxes: dict[str, set[str]] = {}
    for record in records:
        boxes.setdefault(group_of(record.face_id), set()).add(_to_text(record.box))
    if not boxes:
        return
    key = store.get_tombstone_key(collection_id)
    if key is None:
        key = store.create_tombstone_key(collection_id, secrets.token_bytes(KEY_BYTES))
    photos = {_digest(key, image_key): own for image_key, own in boxes.items()}
    store.put_tombstones(collection_id, photos)


def deleted_places(
    collection_id: str, image_keys: Collection[str], *, store: RecordStore
) -> DeletedPlaces:
    """Return the boxes of deleted faces of photos; photos without any are omitted.

    It is one request if the collection never had a tombstone, and one more for each 100 photos.
    """
    key = store.get_tombstone_key(collection_id) if image_keys else None
    if key is None:
        return {}
    photos = {_digest(key, image_key): image_key for image_key in image_keys}
    found = store.find_tombstones(collection_id, list(photos))
    return {
        photos[photo]: tuple(map(_from_text, sorted(places))) for photo, places in found.items()
    }


def without_deleted(
    faces: Sequence[StoredFace], places: Sequence[BoundingBox]
) -> tuple[StoredFace, ...]:
    """Return the faces of a photo that are at none of the places of deleted faces."""
    deleted = {here for here, _ in same_places([face.record.box for face in faces], places)}
    return tuple(face for number, face in enumerate(faces) if number not in deleted)


def remove_tombstones(
    collection_id: str, images: Mapping[str, Iterable[FaceRecord]], *, store: RecordStore
) -> None:
    """Remove the tombstones at the places of faces that are stored on purpose, by image key."""
    deleted = deleted_places(collection_id, list(images), store=store)
    if not deleted:
        return
    key = store.get_tombstone_key(collection_id) or b""
    removed = {}
    for image_key, places in deleted.items():
        boxes = [record.box for record in images[image_key]]
        own = {_to_text(places[there]) for _, there in same_places(boxes, places)}
        removed[_digest(key, image_key)] = own
    store.delete_tombstones(collection_id, removed)


def _digest(key: bytes, image_key: str) -> str:
    return hmac.new(key, image_key.encode(), hashlib.sha256).hexdigest()


def _to_text(box: BoundingBox) -> str:
    return " ".join(map(repr, (box.left, box.top, box.width, box.height)))


def _from_text(text: str) -> BoundingBox:
    return BoundingBox(*map(float, text.split()))
