"""Stores the faces of a photo, including when the photo is indexed again.

All faces are stored by one of two operations:

- ``replace_faces`` makes the faces of a photo exactly the given ones. Jobs and repairs use it:
  after a job, a collection contains what the input and the options of the job select.
- ``add_faces`` adds faces and removes none. Single requests to index a photo use it.

Both follow the same rules, so that face ids and associations with people are kept:

- A face that overlaps a stored one is the same face. It keeps the stored id, and with it the
  person.
- A face of a person is kept (``faces_to_keep``) even if the options do not select it any more.
  Only a deletion removes it.
- A person's vector is computed again when a face of the person changes. A face that is associated
  with a person while it is removed is disassociated again, as if it had been removed later.
- Corrections of a face that is removed are erased with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facerec.core.existing import still_exists
from facerec.core.records import Collection, FaceRecord, StoredFace
from facerec.errors import CollectionNotFoundError
from facerec.gallery.people.corrections import forget_corrections

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore

SAME_FACE_OVERLAP = 0.5
"""Minimum intersection over union of two boxes of the same face. Detectors never return two boxes
with this overlap (``facerec.engine.detect.suppression``)."""


@dataclass(frozen=True, slots=True)
class AddedFaces:
    """The faces of a photo after they were added.

    Attributes:
        records: All faces that were to be added, as stored.
        added: Number of these faces that the collection did not contain before.
    """

    records: tuple[FaceRecord, ...]
    added: int


def with_stored_ids(
    found: Sequence[StoredFace], stored: Sequence[FaceRecord]
) -> tuple[StoredFace, ...]:
    """Return the faces of a photo with the ids of the stored faces that they overlap.

    Args:
        found: Faces found in the photo, with ids derived from their boxes.
        stored: Faces of the same photo in the collection.
    """
    ids = {face.record.face_id for face in found}
    free = [record for record in stored if record.face_id not in ids]
    if not free:
        return tuple(found)
    held = {record.face_id for record in stored}
    new = [number for number, face in enumerate(found) if face.record.face_id not in held]
    faces = list(found)
    boxes = [found[number].record.box for number in new]
    for here, there in pair_boxes(boxes, [record.box for record in free]):
        face = faces[new[here]]
        record = replace(face.record, face_id=free[there].face_id)
        faces[new[here]] = StoredFace(record, face.embedding)
    return tuple(faces)


def pair_boxes(
    boxes: Sequence[BoundingBox],
    others: Sequence[BoundingBox],
    *,
    min_share: float = SAME_FACE_OVERLAP,
) -> list[tuple[int, int]]:
    """Pair the boxes that show the same face of a photo.

    Each box is used at most once; pairs with the largest overlap come first.

    Args:
        boxes: Boxes of faces in the photo, as ratios of its size.
        others: Boxes to pair them with.
        min_share: Minimum intersection over union of two boxes of the same face.

    Returns:
        Indices in ``boxes`` and ``others``.
    """
    shares = sorted(
        (-share, here, there)
        for here, box in enumerate(boxes)
        for there, other in enumerate(others)
        if (share := shared_area(box, other)) >= min_share
    )
    paired: dict[int, int] = {}
    for _, here, there in shares:
        if here not in paired and there not in paired.values():
            paired[here] = there
    return list(paired.items())


def faces_to_keep(
    collection_id: str,
    images: Mapping[str, Sequence[StoredFace]],
    stored_ids: Mapping[str, Iterable[str]],
    *,
    options_digest: str,
    faces: FaceStore,
    records: RecordStore,
) -> dict[str, list[StoredFace]]:
    """Return the faces of people that a replacement would remove, by image key.

    Sends no request to the stores if the replacement removes no face. The faces are returned with
    the digest of the replacement's options, which all faces of the photo then share.

    Args:
        collection_id: The collection.
        images: The new faces of each photo.
        stored_ids: Ids of the faces of each photo in the collection.
        options_digest: Digest of the options of the replacement.
        faces: Store of the collection's faces.
        records: Store of its people.

    Raises:
        ConflictError: The collection was switched to another model version concurrently.
    """
    keys = {
        face_id: key
        for key, own in images.items()
        for face_id in sorted(
            set(stored_ids.get(key, ())) - {face.record.face_id for face in own},
        )
    }
    owners = records.users_of_faces(collection_id, list(keys)) if keys else {}
    kept: dict[str, list[StoredFace]] = {}
    for face in faces.get_faces(collection_id, sorted(owners)) if owners else []:
        record = replace(face.record, options_digest=options_digest)
        kept.setdefault(keys[record.face_id], []).append(StoredFace(record, face.embedding))
    return kept


def replace_faces(
    collection_id: str,
    images: Mapping[str, Sequence[StoredFace]],
    *,
    stored_ids: Iterable[str],
    faces: FaceStore,
    records: RecordStore,
) -> Sequence[str]:
    """Make the faces of photos exactly the given ones, and update the people of changed faces.

    Requests people from the store only if a photo had faces.

    Args:
        collection_id: The collection.
        images: Faces by image key, including those to keep (``faces_to_keep``).
        stored_ids: Ids of the faces that the photos had, as far as the caller knows.
        faces: Store of the collection's faces.
        records: Store of its people.

    Returns:
        The ids of the faces that were removed.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: The collection was switched to another model version concurrently, so that
            the faces may not be stored; or, once they are stored, too many concurrent changes of a
            person or of corrections.
        StoreUnavailableError: Perhaps only some photos were stored; the same call completes this.
    """
    removed = faces.put_images(collection_id, images)
    _update_users(collection_id, {*stored_ids, *removed}, removed, faces=faces, records=records)
    if removed:
        forget_corrections(collection_id, gone=removed, faces=faces, records=records)
    return removed


def add_faces(
    collection: Collection,
    image_key: str,
    found: Sequence[StoredFace],
    *,
    faces: FaceStore,
    records: RecordStore,
    known: Sequence[FaceRecord] = (),
) -> AddedFaces:
    """Add the faces of a photo, and return them as stored.

    Faces that the collection already contains do not change. Faces of the photo that were found
    with other options stay too: the id of a face is valid until a caller deletes the face.

    Args:
        collection: The collection, as it was read before the photo was processed.
        image_key: Key of the photo.
        found: Faces found in the photo, with ids derived from their boxes.
        faces: Store of the collection's faces.
        records: Store of its people, and of collections.
        known: Faces of the photo that the collection contains under another key, or under ids of
            another service.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently; no face was added.
        ConflictError: The collection was switched to another model version concurrently.
        StoreUnavailableError: Perhaps only some faces were added; the same call completes this.
    """
    collection_id, faces = collection.collection_id, faces.of(collection)
    stored = faces.get_images(collection_id, [image_key]).get(image_key, [])
    held = {record.face_id: record for record in (*stored, *known)}
    chosen = with_stored_ids(found, list(held.values()))
    added = [face for face in chosen if face.record.face_id not in held]
    if added:
        # Only these faces: others of the photo may be added or deleted concurrently.
        faces.add_to_images(collection_id, {image_key: added})
    if not still_exists(collection, records):
        _remove_late(collection_id, added, faces)
        raise CollectionNotFoundError(collection_id)
    stored_records = tuple(held.get(face.record.face_id, face.record) for face in chosen)
    return AddedFaces(stored_records, len(added))


def _remove_late(collection_id: str, added: Sequence[StoredFace], faces: FaceStore) -> None:
    """Remove faces that were added after the collection's faces had been deleted.

    A later collection of the same id may have indexed the same photo: its faces stay.
    """
    times = {face.record.face_id: face.record.indexed_at for face in added}
    stored = faces.get_faces(collection_id, list(times)) if times else []
    late = [
        face.record.face_id
        for face in stored
        if face.record.indexed_at == times[face.record.face_id]
    ]
    faces.delete_faces(collection_id, late)


def _update_users(
    collection_id: str,
    face_ids: Set[str],
    removed: Sequence[str],
    *,
    faces: FaceStore,
    records: RecordStore,
) -> None:
    if face_ids:
        # Imported late: commands that only list jobs start without numpy.
        from facerec.gallery.people.associations import update_owners

        update_owners(faces, records, collection_id, face_ids, removed)


def is_same_face(one: FaceRecord, other: FaceRecord) -> bool:
    """Return whether two stored faces are the same face of the same photo.

    A photo that was indexed under several external image ids has its faces several times.
    """
    return one.image_id == other.image_id and shared_area(one.box, other.box) >= SAME_FACE_OVERLAP


def shared_area(one: BoundingBox, other: BoundingBox) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    both = max(0.0, across) * max(0.0, down)
    return both / (one.area + other.area - both) if both else 0.0
