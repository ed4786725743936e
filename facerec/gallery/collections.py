"""The operations on collections."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.core.names import checked_collection_id
from facerec.core.protocols import FaceStore, RecordStore
from facerec.core.records import Collection
from facerec.errors import CollectionExistsError, CollectionNotFoundError, ModelMismatchError
from facerec.gallery.users import delete_vectors


@dataclass(frozen=True, slots=True)
class CollectionDescription:
    """A collection, and how many faces it holds."""

    collection: Collection
    face_count: int


def create_collection(
    collection_id: str, *, model_version: str, now: float, records: RecordStore
) -> Collection:
    """Create an empty collection for faces of one model version.

    Args:
        collection_id: its name.
        model_version: the only version that its faces may have.
        now: seconds since 1970.
        records: where collections are kept.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionExistsError: there is one of this name.
    """
    collection = Collection(checked_collection_id(collection_id), model_version, now)
    records.create_collection(collection)
    return collection


def require_collection(
    collection_id: str, *, model_version: str, records: RecordStore
) -> Collection:
    """Return a collection whose faces can be compared with those of an engine.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionNotFoundError: there is none of this name.
        ModelMismatchError: its faces are of another model version.
    """
    collection = records.get_collection(checked_collection_id(collection_id))
    if collection.model_version != model_version:
        raise ModelMismatchError(model_version, collection.model_version)
    return collection


def obtain_collection(
    collection_id: str, *, model_version: str, now: float, records: RecordStore
) -> Collection:
    """Return a collection to index into, created if there is none; arguments as above.

    Raises:
        InvalidInputError: no collection can have this name.
        ModelMismatchError: its faces are of another model version.
    """
    try:
        return require_collection(collection_id, model_version=model_version, records=records)
    except CollectionNotFoundError:
        pass
    try:
        return create_collection(
            collection_id, model_version=model_version, now=now, records=records
        )
    except CollectionExistsError:
        # another caller was faster
        return require_collection(collection_id, model_version=model_version, records=records)


def describe_collection(
    collection_id: str, *, records: RecordStore, faces: FaceStore
) -> CollectionDescription:
    """Return a collection and how many faces it holds.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionNotFoundError: there is none of this name.
    """
    collection = records.get_collection(checked_collection_id(collection_id))
    return CollectionDescription(collection, faces.count_faces(collection_id))


def delete_collection(collection_id: str, *, records: RecordStore, faces: FaceStore) -> None:
    """Delete a collection for good, with all its faces and what was made from them.

    The record goes after the faces, so that an interrupted deletion can be called again. Faces
    that a running job stores meanwhile go last, lest they show up in a later collection of the
    same name.

    Raises:
        InvalidInputError: no collection can have this name.
        CollectionNotFoundError: there is none of this name.
    """
    records.get_collection(checked_collection_id(collection_id))
    delete_vectors(faces, collection_id)
    faces.delete_namespace(collection_id)
    records.delete_collection(collection_id)
    faces.delete_namespace(collection_id)
