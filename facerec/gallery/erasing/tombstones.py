"""Tombstones: the positions of deleted faces, so that no job adds these faces again.

A job stores the faces of all photos in its manifest, and the manifest still names the photo of a
deleted face. So a deletion leaves a tombstone: a keyed hash of the photo in its collection, and the
box of the face. A job asks for the tombstones of its photos, and omits faces that overlap such a
box, regardless of the options. A single request to index a photo is a deliberate act: it stores the
faces and removes their tombstones. A job that restores deleted faces does the same.

A face that was imported under the id of another service has a tombstone even while it is stored.
Its id is not in the group of its photo, so nothing else links the face to the photo. Its tombstone
contains its id, encrypted with the key. A request to index the photo returns the face, as long as
it is stored.

A tombstone identifies nobody. The hash covers the content of the photo, the external image id, the
collection and the model version with which it was created. Its random key is kept with the
collection's records and deleted with them. Without the photo and the key, the hash reveals nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of, id_bytes, id_of_bytes
from facerec.core.limits import MAX_PAGE
from facerec.errors import CollectionNotFoundError, InvalidInputError
from facerec.gallery.erasing.tombstone_keys import (
    digest,
    keys_of,
    require_key,
    texts_under_key,
)
from facerec.gallery.indexing.storing import pair_boxes

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.storage.faces import FaceStore

_BOX_VALUES = 4
"""Number of values of a box in the text of a tombstone."""

_LIFTED = "lifted tombstones"
"""Name of the notes about removed tombstones; no image key contains a space."""

DeletedBoxes = dict[str, tuple[BoundingBox, ...]]
"""Boxes of deleted and imported faces by image key."""


class _Tombstone(NamedTuple):
    """A tombstone: its text in the store, its box, and the id of an imported face, or None."""

    text: str
    box: BoundingBox
    face_id: str | None


def keep_tombstones(
    collection_id: str, faces: Iterable[FaceRecord], *, records: RecordStore
) -> None:
    """Store a tombstone for each face; call this before the faces are deleted.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    boxes = {record.face_id: record.box for record in faces}
    keep_boxes(collection_id, boxes, records=records)


def keep_boxes(
    collection_id: str, boxes: Mapping[str, BoundingBox], *, records: RecordStore
) -> None:
    """Store a tombstone for each face; ``boxes`` maps face ids to boxes.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    texts: dict[str, set[str]] = {}
    for face_id, box in boxes.items():
        texts.setdefault(group_of(face_id), set()).add(_to_text(box))
    if texts:
        keep_texts(collection_id, texts, records=records)


def keep_texts(
    collection_id: str, texts: Mapping[str, Collection[str]], *, records: RecordStore
) -> None:
    """Store texts by name, under keyed hashes of the names.

    A name is the image key of a photo, whose texts are its tombstones, or the name of a note.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    key = require_key(collection_id, records)
    records.put_tombstones(collection_id, {digest(key, name): own for name, own in texts.items()})


def get_texts(
    collection_id: str, names: Collection[str], *, records: RecordStore
) -> dict[str, frozenset[str]]:
    """Return the stored texts by name (``keep_texts``); names without any are omitted.

    Takes one request, plus one per 100 names if the collection ever had a tombstone.
    """
    key = records.get_tombstone_key(collection_id) if names else None
    return {} if key is None else texts_under_key(collection_id, names, key, records=records)


def remove_texts(collection_id: str, names: Collection[str], *, records: RecordStore) -> bool:
    """Remove all texts of these names (``keep_texts``); return whether there were any.

    Raises:
        ConflictError: Too many concurrent changes of the tombstones.
    """
    return _lift(collection_id, get_texts(collection_id, names, records=records), records)


def boxes_in(texts: Mapping[str, Collection[str]], image_keys: Collection[str]) -> DeletedBoxes:
    """Return the boxes of deleted and imported faces among the texts of tombstones."""
    return {
        image_key: tuple(map(box_in, sorted(texts[image_key])))
        for image_key in image_keys
        if image_key in texts
    }


def keep_imported(
    collection_id: str, images: Mapping[str, Iterable[FaceRecord]], *, records: RecordStore
) -> None:
    """Store a tombstone for each imported face; call this before the faces are stored.

    Args:
        collection_id: The collection.
        images: Faces under ids of another service, by the image keys that their photos have here.
        records: Store of the tombstones.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    key = require_key(collection_id, records)
    photos = {
        digest(key, image_key): {
            f"{_to_text(record.box)} {_encrypted(key, image_key, record)}" for record in faces
        }
        for image_key, faces in images.items()
    }
    records.put_tombstones(collection_id, photos)


def deleted_boxes(
    collection_id: str, image_keys: Collection[str], *, records: RecordStore
) -> DeletedBoxes:
    """Return the boxes of deleted and imported faces of photos; photos without any are omitted.

    Takes one request, plus one per 100 photos if the collection ever had a tombstone.
    """
    return boxes_in(get_texts(collection_id, image_keys, records=records), image_keys)


def count_deleted_photos(collection_id: str, at_most: int, *, records: RecordStore) -> int:
    """Return the number of photos with tombstones of deleted faces, up to a maximum.

    Takes one request per ``MAX_PAGE`` tombstones until that many photos are found.
    """
    found, after = 0, None
    while found < at_most:
        page = records.list_tombstones(collection_id, after=after, limit=MAX_PAGE)
        if not page:
            break
        found += sum(any(map(_is_deleted_box, texts)) for texts in page.values())
        *_, after = page
    return min(found, at_most)


def still_stored(
    collection_id: str, found: Sequence[FaceRecord], *, records: RecordStore
) -> list[FaceRecord]:
    """Return the faces without a tombstone; a search may still find those that were just deleted.

    Takes one request, plus one per 100 photos if the collection ever had a tombstone.
    """
    keys = {group_of(record.face_id) for record in found}
    texts = get_texts(collection_id, sorted(keys), records=records)
    deleted = {
        key: [box_in(text) for text in own if is_of_deleted(text)] for key, own in texts.items()
    }
    return [
        record
        for record in found
        if not pair_boxes([record.box], deleted.get(group_of(record.face_id), []))
    ]


def imported_faces(
    collection_id: str, image_keys: Collection[str], *, records: RecordStore, faces: FaceStore
) -> dict[str, list[FaceRecord]]:
    """Return the stored faces of photos that were imported, by the image key of the photo."""
    owners = {
        tombstone.face_id: image_key
        for image_key, tombstones in _tombstones(collection_id, image_keys, records).items()
        for tombstone in tombstones
        if tombstone.face_id is not None
    }
    found: dict[str, list[FaceRecord]] = {}
    for face in faces.get_faces(collection_id, sorted(owners)) if owners else []:
        found.setdefault(owners[face.record.face_id], []).append(face.record)
    return found


def deleted_imports(
    collection_id: str, images: Mapping[str, Iterable[FaceRecord]], *, records: RecordStore
) -> frozenset[str]:
    """Return the ids of another service's faces that were deleted on purpose.

    A tombstone of an imported face is not a deletion: it is stored before the face itself.

    Args:
        collection_id: The collection.
        images: Faces under ids of another service, by the image keys that their photos have here.
        records: Store of the tombstones.
    """
    groups = {group_of(record.face_id) for faces in images.values() for record in faces}
    tombstones = _tombstones(collection_id, groups | images.keys(), records)
    deleted = set()
    for image_key, faces in images.items():
        for record in faces:
            boxes = [
                tombstone.box
                for name in (image_key, group_of(record.face_id))
                for tombstone in tombstones.get(name, ())
                if tombstone.face_id is None
            ]
            if pair_boxes([record.box], boxes):
                deleted.add(record.face_id)
    return frozenset(deleted)


def without_deleted(
    faces: Sequence[StoredFace], boxes: Sequence[BoundingBox]
) -> tuple[StoredFace, ...]:
    """Return the faces of a photo that overlap no box of a deleted face."""
    deleted = {here for here, _ in pair_boxes([face.record.box for face in faces], boxes)}
    return tuple(face for number, face in enumerate(faces) if number not in deleted)


def remove_tombstones(
    collection_id: str, images: Mapping[str, Iterable[FaceRecord]], *, records: RecordStore
) -> bool:
    """Remove the tombstones of faces that are stored on purpose, by image key.

    Returns:
        Whether there were any tombstones.

    Raises:
        ConflictError: Too many concurrent changes of the tombstones.
    """
    removed = {}
    for image_key, tombstones in _tombstones(collection_id, list(images), records).items():
        faces = list(images[image_key])
        ids = {record.face_id for record in faces}
        others = [tombstone for tombstone in tombstones if tombstone.face_id not in ids]
        pairs = pair_boxes(
            [record.box for record in faces], [tombstone.box for tombstone in others]
        )
        if pairs:
            removed[image_key] = {others[there].text for _, there in pairs}
    return _lift(collection_id, removed, records)


def lifts(collection_id: str, *, records: RecordStore) -> frozenset[str]:
    """Return notes about tombstones that were removed, but may still be in their copies."""
    return get_texts(collection_id, [_LIFTED], records=records).get(_LIFTED, frozenset())


def forget_lifts(collection_id: str, notes: Collection[str], *, records: RecordStore) -> None:
    """Remove notes about tombstones that were removed from the copies too."""
    key = records.get_tombstone_key(collection_id) if notes else None
    if key is not None:
        records.delete_tombstones(collection_id, {digest(key, _LIFTED): notes})


def _lift(collection_id: str, texts: Mapping[str, Collection[str]], records: RecordStore) -> bool:
    """Remove texts by name, and note that they must be removed from the copies too.

    The note is stored before and after the removal: a process may compare the copies in between.

    Returns:
        Whether there were any texts to remove.

    Raises:
        ConflictError: Too many concurrent changes of the tombstones.
    """
    keys = keys_of(collection_id, records=records) if texts else []
    if not keys:
        return False
    with suppress(CollectionNotFoundError):
        keep_texts(collection_id, {_LIFTED: {os.urandom(8).hex()}}, records=records)
        for key in keys:
            records.delete_tombstones(
                collection_id, {digest(key, name): own for name, own in texts.items()}
            )
        keep_texts(collection_id, {_LIFTED: {os.urandom(8).hex()}}, records=records)
    return True


def _tombstones(
    collection_id: str, image_keys: Collection[str], records: RecordStore
) -> dict[str, list[_Tombstone]]:
    key = records.get_tombstone_key(collection_id) if image_keys else None
    if key is None:
        return {}
    return {
        image_key: [_to_tombstone(text, key, image_key) for text in sorted(texts)]
        for image_key, texts in get_texts(collection_id, image_keys, records=records).items()
    }


def copy_tombstones(collection_id: str, *, source: RecordStore, target: RecordStore) -> None:
    """Copy the tombstones of a collection to another store, which has the collection.

    Raises:
        CollectionNotFoundError: ``target`` does not have the collection.
        ConflictError: Too many concurrent changes of the tombstones in ``target``.
        InvalidInputError: ``target`` has tombstones with another key.
    """
    key = source.get_tombstone_key(collection_id)
    if key is None:
        return
    if target.create_tombstone_key(collection_id, key) != key:
        raise InvalidInputError(
            f"the target store already records deletions of faces of {collection_id!r}",
            "name a store that does not have the collection",
        )
    after = None
    while page := source.list_tombstones(collection_id, after=after, limit=MAX_PAGE):
        target.put_tombstones(collection_id, page)
        *_, after = page


def box_in(text: str) -> BoundingBox:
    """Return the box in the text of a face's tombstone."""
    left, top, width, height = map(float, text.split()[:_BOX_VALUES])
    return BoundingBox(left, top, width, height)


def is_of_deleted(text: str) -> bool:
    """Return whether a tombstone is of a deleted face: one of an imported face contains an id."""
    return len(text.split()) <= _BOX_VALUES


def _is_deleted_box(text: str) -> bool:
    """Return whether a text is the tombstone of a deleted face; a note has other texts."""
    return len(text.split()) == _BOX_VALUES and is_of_deleted(text)


def _to_text(box: BoundingBox) -> str:
    return " ".join(map(repr, (box.left, box.top, box.width, box.height)))


def _to_tombstone(text: str, key: bytes, image_key: str) -> _Tombstone:
    box, encrypted = box_in(text), text.split()[_BOX_VALUES:]
    face_id = None
    if encrypted:
        face_id = id_of_bytes(_masked(bytes.fromhex(encrypted[0]), key, image_key, box))
    return _Tombstone(text, box, face_id)


def _encrypted(key: bytes, image_key: str, record: FaceRecord) -> str:
    return _masked(id_bytes(record.face_id), key, image_key, record.box).hex()


def _masked(content: bytes, key: bytes, image_key: str, box: BoundingBox) -> bytes:
    """Return the exclusive or of an id and a hash that depends on the key and the photo.

    The same function encrypts and decrypts. The hash is different for every box, and its message
    differs from those of ``digest``.
    """
    message = f"{image_key} {_to_text(box)}"
    mask = hmac.new(key, message.encode(), hashlib.sha256).digest()
    return bytes(one ^ other for one, other in zip(content, mask, strict=False))
