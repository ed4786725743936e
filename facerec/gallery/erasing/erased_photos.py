"""Tombstones of whole photos: no job adds any face of an erased photo again.

The tombstone of a face contains its box in the photo. That is not enough to erase a photo or an
external image id. Jobs may find other faces in the photo, or none, and the rows of the next job
would name the photo again. So such an erasure also leaves tombstones of the photos: keyed hashes of

- the image key, which covers the bytes and the external image id: the photo may have moved;
- the bytes, if the photo was named by its address: its external image id may follow from the
  address, and so change when the photo moves;
- the address, for photos whose bytes are not known, since they could not be read.

They name nobody (see ``facerec.gallery.erasing.tombstones``). Faces that were indexed from the same
photo under another external image id, and not erased, stay. A request to index the photo removes
its tombstones, and a job that restores deleted faces does the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from facerec.core.ids import group_of, image_key
from facerec.gallery.erasing.tombstone_keys import texts_under_key
from facerec.gallery.erasing.tombstones import (
    DeletedBoxes,
    boxes_in,
    get_texts,
    keep_texts,
    remove_texts,
)

if TYPE_CHECKING:
    from facerec.core.erasures import KeptByJob, Selection
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord

KNOWN = "photo"
"""Text of a tombstone of a photo whose bytes are known."""

UNREAD = "address"
"""Text of the tombstone of a photo whose bytes are not known."""


_PERSON = "person"
"""Text of the tombstone of a person."""


class NamedPhoto(NamedTuple):
    """A photo as identified by a job or a stored face.

    Attributes:
        uri: Address of the photo, or "".
        external_image_id: The caller's own name for it, or None.
        image_id: Id derived from the bytes; None if they are not known.
        key: Image key of the photo; None if the bytes are not known.
    """

    uri: str
    external_image_id: str | None
    image_id: str | None
    key: str | None


def photo_of_face(record: FaceRecord) -> NamedPhoto:
    """Return the photo of a stored face."""
    return NamedPhoto(
        record.address, record.external_image_id, record.image_id, group_of(record.face_id)
    )


def photos_of_jobs(
    collection_id: str, kept: Iterable[KeptByJob], id_version: str
) -> list[NamedPhoto]:
    """Return the photos that job folders name."""
    rows = [row for job in kept for row in job.rows]
    seen = {_pair(row) for row in rows}
    photos = [_photo_of_row(collection_id, row, id_version) for row in rows]
    # A manifest that facerec has listed may have lines that no child has reached.
    unread = {_pair(each) for job in kept for each in job.photos if each["outcome"] is None}
    return photos + [NamedPhoto(*pair, None, None) for pair in sorted(unread - seen, key=str)]


def _photo_of_row(collection_id: str, row: Mapping[str, Any], id_version: str) -> NamedPhoto:
    (uri, name), image_id = _pair(row), row["image_id"]
    key = None if image_id is None else image_key(collection_id, image_id, name, id_version)
    return NamedPhoto(uri, name, image_id, key)


def _pair(named: Mapping[str, Any]) -> tuple[str, str | None]:
    return named["photo"], named["external_image_id"]


def keep_erased_photos(
    collection_id: str,
    photos: Iterable[NamedPhoto],
    selection: Selection,
    *,
    records: RecordStore,
) -> set[str]:
    """Store tombstones of the photos that a selection names; call this before the erasure.

    Returns:
        The names under which the tombstones are stored.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    texts: dict[str, set[str]] = {}
    for photo in photos:
        by_address = photo.uri in selection.photos
        if not by_address and photo.external_image_id not in selection.external_image_ids:
            continue
        if photo.key is not None:
            texts[_of_key(photo.key)] = {KNOWN}
        if by_address and photo.image_id is not None:
            texts[_of_bytes(photo.image_id)] = {KNOWN}
        if photo.uri:
            name = _of_address(photo.uri) if by_address else _of_pair(photo)
            texts.setdefault(name, set()).add(UNREAD if photo.image_id is None else KNOWN)
    if texts:
        keep_texts(collection_id, texts, records=records)
    return set(texts)


def names_of_selection(selection: Selection) -> set[str]:
    """Return the names of tombstones that follow from a selection alone."""
    keys = {group_of(face_id) for face_id in selection.face_ids} | selection.image_keys
    if not selection.names_photos:
        return keys
    return keys | set(map(_of_key, keys)) | set(map(_of_address, selection.photos))


def deleted_and_erased(
    collection_id: str,
    image_keys: Collection[str],
    photos: Sequence[NamedPhoto | None],
    *,
    records: RecordStore,
) -> tuple[DeletedBoxes, frozenset[int]]:
    """Return the boxes of deleted faces by image key, and which whole photos were erased.

    Args:
        collection_id: The collection.
        image_keys: Keys of the photos whose boxes are wanted.
        photos: Photos to check for erasure; None for entries that need no check.
        records: Store of the tombstones.

    Returns:
        The result of ``deleted_boxes``, and the indices in ``photos`` of those that were erased.
    """
    wanted = bool(image_keys) or any(photo is not None for photo in photos)
    key = records.get_tombstone_key(collection_id) if wanted else None
    if key is None:
        # Most collections have no key and no tombstones, so that no names are computed.
        return {}, frozenset()
    names = {name for photo in photos if photo is not None for name in _names(photo)}
    found = texts_under_key(collection_id, [*image_keys, *names], key, records=records)
    if not found:
        return {}, frozenset()
    erased = (
        number
        for number, photo in enumerate(photos)
        if photo is not None and _is_erased(photo, found)
    )
    return boxes_in(found, image_keys), frozenset(erased)


def keep_people(
    collection_id: str,
    user_ids: Collection[str],
    names: Collection[str],
    erased_at: float | None,
    *,
    records: RecordStore,
) -> None:
    """Store tombstones of people who are erased.

    No import creates them again, and nobody is named after them because of a photo that is stored
    already.

    Args:
        collection_id: The collection.
        user_ids: Ids of the people.
        names: Their display names.
        erased_at: When the erasure was requested, in seconds since 1970; None if people may be
            named after photos that are stored already.
        records: Store of the tombstones.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    texts = {_of_person(user_id): {_PERSON} for user_id in user_ids}
    if erased_at is not None:
        texts |= {_of_name(name): {repr(erased_at)} for name in {*user_ids, *names}}
    if texts:
        keep_texts(collection_id, texts, records=records)


def find_erased_people(
    collection_id: str, user_ids: Iterable[str], *, records: RecordStore
) -> frozenset[str]:
    """Return the ids of the people who were erased."""
    names = {_of_person(user_id): user_id for user_id in user_ids}
    found = get_texts(collection_id, list(names), records=records)
    return frozenset(names[name] for name in found)


def find_erased_names(
    collection_id: str, names: Iterable[str], *, records: RecordStore
) -> dict[str, float]:
    """Return when people with these ids or display names were erased last, by id or name.

    The times are in seconds since 1970. People whom an earlier release erased are omitted.
    """
    own = {_of_name(name): name for name in names}
    found = get_texts(collection_id, list(own), records=records)
    return {own[name]: max(map(float, texts)) for name, texts in found.items()}


def remove_erased_photos(
    collection_id: str, photos: Iterable[NamedPhoto], *, records: RecordStore
) -> bool:
    """Remove the tombstones of photos that are indexed on purpose.

    Returns:
        Whether there were any tombstones.

    Raises:
        ConflictError: Too many concurrent changes of the tombstones.
    """
    names = {name for photo in photos for name in _names(photo)}
    return remove_texts(collection_id, names, records=records)


def _is_erased(photo: NamedPhoto, found: Mapping[str, Collection[str]]) -> bool:
    if _names_known(photo) & found.keys():
        return True
    texts = {text for name in _names_addressed(photo) for text in found.get(name, ())}
    # Another photo may be at the address now.
    return UNREAD in texts or (bool(texts) and photo.image_id is None)


def _names(photo: NamedPhoto) -> set[str]:
    return _names_known(photo) | _names_addressed(photo)


def _names_known(photo: NamedPhoto) -> set[str]:
    names = set()
    if photo.key is not None:
        names.add(_of_key(photo.key))
    if photo.image_id is not None:
        names.add(_of_bytes(photo.image_id))
    return names


def _names_addressed(photo: NamedPhoto) -> set[str]:
    return {_of_address(photo.uri), _of_pair(photo)} if photo.uri else set()


# No image key contains a space, so that these names differ from those of faces' tombstones.
def _of_key(key: str) -> str:
    return f"key {key}"


def _of_bytes(image_id: str) -> str:
    return f"bytes {image_id}"


def _of_address(uri: str) -> str:
    return f"address {uri}"


def _of_pair(photo: NamedPhoto) -> str:
    return f"pair {photo.uri}\0{photo.external_image_id or ''}"


def _of_name(name: str) -> str:
    return f"erased name {name}"


def _of_person(user_id: str) -> str:
    return f"person {user_id}"
