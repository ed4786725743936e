"""Records of removed photos, for a store that is restored from an older copy.

A job removes the faces of photos that were replaced or are gone, or that have another external
image id now. Nobody deleted these faces on purpose, so they leave no tombstones, and may come back
with their photos. But a store restored from an older copy has them again. So each removal leaves a
``TombstoneCopy`` beside the collection's job folders. It has keyed hashes of the image keys, and of
the faces whose people and corrections went to other faces. They identify nobody. Erasures record
photos that have no face left in the same way: a job with other options may have removed faces of
these photos before.

A store that has not seen a removal was lost, or restored from a copy that is older
(``tombstone_copies``). Then faces of these photos are removed again, unless a job has since
indexed the photo again, and their people and corrections go where they went before.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facerec.core.ids import group_of
from facerec.core.tombstone_copies import TombstoneCopy
from facerec.gallery.erasing.tombstone_copies import forget_faces
from facerec.gallery.erasing.tombstone_keys import digest, require_key
from facerec.gallery.listing import all_corrections, all_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord
    from facerec.storage.faces import FaceStore


def copy_of_removal(
    collection_id: str,
    face_ids: Iterable[str],
    moved: Mapping[str, str],
    *,
    indexed_at: float,
    records: RecordStore,
) -> TombstoneCopy:
    """Return the record of a removal; call this before the faces are deleted.

    Args:
        collection_id: The collection.
        face_ids: All faces of the photos.
        moved: New face ids by old face id, of faces whose people and corrections went to new faces.
        indexed_at: When the last of the faces was indexed, in seconds since 1970. The removal is
            recorded as later, even if this machine's clock shows an earlier time.
        records: Store of the collection's key.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    key = require_key(collection_id, records)
    return TombstoneCopy(
        f"removal-{os.urandom(8).hex()}",
        max(time.time(), math.nextafter(indexed_at, math.inf)),
        key,
        {},
        removed=frozenset(digest(key, group_of(face_id)) for face_id in face_ids),
        moved={digest(key, old): digest(key, new) for old, new in moved.items()},
    )


@dataclass(frozen=True, slots=True)
class OutdatedFaces:
    """Faces of removed photos that an older copy of a store contains again.

    Attributes:
        stored: The faces.
        named: Ids of faces that are not stored, but that people or corrections name.
        moved: Ids of the stored faces that people and corrections went to, by id of a face in
            ``stored`` or ``named``.
    """

    stored: tuple[FaceRecord, ...] = ()
    named: frozenset[str] = frozenset()
    moved: Mapping[str, str] = field(default_factory=dict)


def find_outdated(
    collection_id: str,
    copies: Iterable[TombstoneCopy],
    is_current: Callable[[str], bool],
    *,
    faces: FaceStore,
    records: RecordStore,
) -> OutdatedFaces:
    """Return the faces of removed photos in a store. Reads all faces of the collection.

    Args:
        collection_id: The collection.
        copies: Records of the removals.
        is_current: Returns whether a job has indexed the photo with an image key again since its
            removal.
        faces: The collection's store.
        records: Store of its people.
    """
    removals = _by_key(copies)
    if not removals:
        return OutdatedFaces()
    named = {
        *(each for user in all_users(collection_id, records=records) for each in user.face_ids),
        *(each.face_id for each in all_corrections(collection_id, records=records)),
    }
    stored: list[FaceRecord] = []
    for record in faces.all_faces(collection_id):
        named.discard(record.face_id)
        photo = group_of(record.face_id)
        if record.indexed_at < _removed_at(photo, removals) and not is_current(photo):
            stored.append(record)
    gone = {
        each
        for each in named
        if _removed_at(group_of(each), removals) and not is_current(group_of(each))
    }
    ids = gone.union(record.face_id for record in stored)
    moved = _moved(collection_id, ids, removals, faces=faces)
    return OutdatedFaces(tuple(stored), frozenset(gone), moved)


def remove_outdated(
    collection_id: str, found: OutdatedFaces, *, faces: FaceStore, records: RecordStore
) -> None:
    """Remove faces of removed photos; their people and corrections go to the new faces.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    from facerec.gallery.people.moved_faces import hand_over

    if found.moved:
        hand_over(collection_id, found.moved, faces=faces, records=records)
    if found.stored or found.named:
        forget_faces(collection_id, found.stored, named=found.named, faces=faces, records=records)


@dataclass(frozen=True, slots=True)
class _Removals:
    """The removals of photos under one key.

    Attributes:
        key: The key of all hashes.
        times: Times of the last removals, by hash of the photo.
        moved: Hashes of new faces by hash of the old face.
    """

    key: bytes
    times: dict[str, float] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    def last(self, face_id: str) -> str | None:
        """Return the hash of the face that finally replaced a face; None if none did.

        The external image id of a photo may have changed several times, even back to an earlier
        one. So only the newest replacement of each face counts, and each face is visited once.
        """
        step = digest(self.key, face_id)
        passed = {step}
        while (after := self.moved.get(step)) is not None and after not in passed:
            passed.add(after)
            step = after
        return step if len(passed) > 1 else None


def _by_key(copies: Iterable[TombstoneCopy]) -> list[_Removals]:
    removals: dict[bytes, _Removals] = {}
    for copy in sorted(copies, key=lambda copy: copy.erased_at):
        if copy.removed:
            own = removals.setdefault(copy.key, _Removals(copy.key))
            own.times.update(dict.fromkeys(copy.removed, copy.erased_at))
            own.moved.update(copy.moved)
    return list(removals.values())


def _removed_at(image_key: str, removals: Sequence[_Removals]) -> float:
    """Return when a photo was last removed, in seconds since 1970; 0 if it was not."""
    return max(each.times.get(digest(each.key, image_key), 0.0) for each in removals)


def _moved(
    collection_id: str, ids: Set[str], removals: Sequence[_Removals], *, faces: FaceStore
) -> dict[str, str]:
    """Return the ids of stored faces that have replaced removed ones, by id of the removed face."""
    found: dict[str, str] = {}
    for each in removals:
        old: dict[str, list[str]] = {}
        for face_id in sorted(ids):
            if (last := each.last(face_id)) is not None:
                old.setdefault(last, []).append(face_id)
        for record in faces.all_faces(collection_id) if old else ():
            if record.face_id not in ids:
                for face_id in old.get(digest(each.key, record.face_id), ()):
                    found[face_id] = record.face_id
    return found
