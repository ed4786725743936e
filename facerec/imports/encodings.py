"""Imports embeddings of dlib's network, with their people."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from facerec.core.batches import batches
from facerec.core.derived_names import derived_user_id
from facerec.errors import CollectionExistsError, QuotaExceededError
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.associations import MAX_FACES_OF_REQUEST
from facerec.gallery.transfer.importing import ImportedEmbeddings, NamedEmbedding
from facerec.imports.people import create_person


def import_encodings(
    named: Sequence[NamedEmbedding],
    collection_id: str,
    *,
    gallery: Gallery,
    restore_deleted: bool = False,
) -> ImportedEmbeddings:
    """Store embeddings, and associate each with the person of its name.

    Args:
        named: The embeddings.
        collection_id: The collection that receives them; created if it does not exist.
        gallery: The gallery of the collection.
        restore_deleted: Whether to store faces that were deleted or erased on purpose.

    Returns:
        The ids of the faces, and the ids of faces that stay deleted.

    Raises:
        InvalidInputError: The collection id is not valid, or the embeddings are of other networks.
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: The deletion of the collection is not finished, or there are too many
            concurrent changes.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
        ModelMismatchError: The collection's faces have another model version.
        ReceiptDamagedError: A copy of tombstones is damaged.
        WeightsError: A file of network weights is missing or cannot be used.
        StoreUnavailableError: A store is down; run the import again later.
    """
    with suppress(CollectionExistsError):
        gallery.create_collection(collection_id)
    imported = gallery.import_embeddings(collection_id, named, restore_deleted=restore_deleted)
    members: dict[str, dict[str, None]] = {}
    for face, face_id in zip(named, imported.face_ids, strict=True):
        # a person whose faces were all deleted is not created again
        if face_id not in imported.deleted:
            members.setdefault(face.name, {})[face_id] = None
    created: set[str] = set()
    for name, own in members.items():
        create_person(gallery, collection_id, name, created)
        faces = list(own)
        for batch in batches(faces, MAX_FACES_OF_REQUEST):
            # Faces beyond a person's maximum keep only their external image ids.
            with suppress(QuotaExceededError):
                gallery.associate_faces(
                    collection_id, derived_user_id(name), batch, min_similarity=0.0
                )
    return imported
