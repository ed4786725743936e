"""The operations on the faces of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.core.names import checked_collection_id
from facerec.core.protocols import FaceStore, RecordStore
from facerec.core.records import FaceRecord


@dataclass(frozen=True, slots=True)
class FacePage:
    """A page of a collection's faces.

    Attributes:
        faces: in the order of their ids.
        next_after: where the next page goes on, or None if this is the last one.
    """

    faces: tuple[FaceRecord, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of faces that were to be deleted.

    Attributes:
        deleted: ids of faces that are gone for good.
        not_found: ids that no face of the collection has.
    """

    deleted: tuple[str, ...]
    not_found: tuple[str, ...]


def list_faces(
    collection_id: str,
    *,
    records: RecordStore,
    faces: FaceStore,
    after: str | None = None,
    limit: int = 1000,
) -> FacePage:
    """Return a page of a collection's faces.

    Args:
        collection_id: the collection.
        records: where collections are kept.
        faces: where faces are kept.
        after: the last id of the page before, or None for the first page.
        limit: the most faces of the page.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionNotFoundError: there is none of this name.
    """
    records.get_collection(checked_collection_id(collection_id))
    found = faces.list_faces(collection_id, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return FacePage(tuple(page), page[-1].face_id if more and page else None)


def delete_faces(
    collection_id: str, face_ids: Sequence[str], *, records: RecordStore, faces: FaceStore
) -> Deletion:
    """Delete faces for good, their embeddings included.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionNotFoundError: there is none of this name.
    """
    records.get_collection(checked_collection_id(collection_id))
    asked = tuple(dict.fromkeys(face_ids))
    deleted = faces.delete_faces(collection_id, asked)
    gone = frozenset(deleted)
    return Deletion(tuple(deleted), tuple(face_id for face_id in asked if face_id not in gone))
