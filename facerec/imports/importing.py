"""Imports a collection: its faces from their original photos, and its people.

An import can be killed at any time; running it again imports the faces that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from facerec.core.batches import batches
from facerec.core.limits import MAX_PAGE
from facerec.errors import (
    CollectionExistsError,
    QuotaExceededError,
    UserExistsError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.associations import MAX_FACES_OF_REQUEST
from facerec.gallery.transfer.importing import KnownFace
from facerec.imports.images import ImageImporter, PhotoOfFace
from facerec.imports.rekognition import SourceCollection
from facerec.imports.report import ImportReport, Unmatched, UnmatchedFace

FindPhotos = Callable[[KnownFace], Sequence[str]]
"""Returns the addresses at which a face's photo may be."""


def import_collection(
    source: SourceCollection,
    collection_id: str,
    find_photos: FindPhotos,
    *,
    gallery: Gallery,
    report: ImportReport,
    restore_deleted: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Store the faces and people of a collection under their ids in the source.

    Args:
        source: The collection to import.
        collection_id: The collection that receives it; created if it does not exist.
        find_photos: Returns the addresses at which the photo of a face may be.
        gallery: The gallery of the collection.
        report: Receives the outcome for each face.
        restore_deleted: Whether to store faces that were deleted or erased on purpose.
        on_progress: Called with the number of faces that are done.

    Raises:
        InvalidInputError: The collection id is not valid.
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
    report.faces, report.people = len(source.faces), len(source.users)
    stored = _stored(gallery, collection_id, [face.face_id for face in source.faces])
    # A photo that was indexed under two external image ids may have an address for each.
    indexed: dict[tuple[str, str | None], list[KnownFace]] = {}
    for face in source.faces:
        indexed.setdefault((face.image_id, face.external_image_id), []).append(face)
        if face.face_id in stored:
            if stored[face.face_id].image_id == face.image_id:
                report.present += 1
            else:
                report.unmatched.append(_unmatched(face, Unmatched.ID_IN_USE))
    order = {face.face_id: place for place, face in enumerate(source.faces)}
    deleted = frozenset[str]()
    if not restore_deleted:
        absent = [face for face in source.faces if face.face_id not in stored]
        deleted = gallery.deleted_imports(collection_id, absent)
    report.unmatched += [
        _unmatched(face, Unmatched.DELETED) for face in source.faces if face.face_id in deleted
    ]
    importer = ImageImporter(
        gallery, collection_id, stored, deleted, frozenset(order), report, restore_deleted
    )
    named: dict[tuple[str, ...], dict[str, list[KnownFace]]] = {}
    for (image_id, _), faces in indexed.items():
        found = next((found for face in faces if (found := find_photos(face))), ())
        images = named.setdefault(tuple(dict.fromkeys(found)), {})
        images.setdefault(image_id, []).extend(faces)
    done = 0
    for photos, own in named.items():
        on_progress(done)
        importer.import_images(photos, list(own.values()))
        done += sum(map(len, own.values()))
    on_progress(done)
    _import_users(gallery, collection_id, source, report, restore_deleted)
    report.unmatched.sort(key=lambda each: order[each.face_id])
    report.complete = True


def _import_users(
    gallery: Gallery,
    collection_id: str,
    source: SourceCollection,
    report: ImportReport,
    restore_deleted: bool,
) -> None:
    """Create the people, and associate their faces that were imported."""
    stored = _stored(gallery, collection_id, [face.face_id for face in source.faces])
    deleted = {each.face_id for each in report.unmatched if each.reason is Unmatched.DELETED}
    members: dict[str, list[KnownFace]] = {user_id: [] for user_id in source.users}
    for face in source.faces:
        if face.user_id is not None:
            members.setdefault(face.user_id, []).append(face)
    erased = frozenset[str]()
    if not restore_deleted:
        erased = gallery.erased_people(collection_id, list(members))
    for user_id, known in members.items():
        faces = [face for face in known if face.face_id in stored]
        # a person who was erased here
        if not faces and (user_id in erased or any(face.face_id in deleted for face in known)):
            continue
        if _is_another_person(gallery, collection_id, user_id, known):
            report.unmatched += [_unmatched(face, Unmatched.PERSON_EXISTS) for face in faces]
        else:
            _associate(gallery, collection_id, user_id, faces, report)


def _is_another_person(
    gallery: Gallery, collection_id: str, user_id: str, known: Sequence[KnownFace]
) -> bool:
    """Return whether a collection has a person of this id that no import has created.

    Such a person has faces, but none of the imported person's.
    """
    with suppress(UserNotFoundError):
        own = gallery.describe_user(collection_id, user_id).face_ids
        return bool(own) and not {face.face_id for face in known} & set(own)
    return False


def _associate(
    gallery: Gallery,
    collection_id: str,
    user_id: str,
    faces: Sequence[KnownFace],
    report: ImportReport,
) -> None:
    """Create a person, unless the id exists, and associate faces with the person."""
    with suppress(UserExistsError):
        gallery.create_user(collection_id, user_id)
    for batch in batches(faces, MAX_FACES_OF_REQUEST):
        failed = {face.face_id for face in batch}
        with suppress(QuotaExceededError):
            # the other service has decided that they show the person
            outcome = gallery.associate_faces(
                collection_id, user_id, sorted(failed), min_similarity=0.0
            )
            failed = {failure.face_id for failure in outcome.failed}
        report.unmatched += [
            _unmatched(face, Unmatched.NOT_ASSOCIATED) for face in batch if face.face_id in failed
        ]


def _stored(
    gallery: Gallery, collection_id: str, face_ids: Sequence[str]
) -> dict[str, PhotoOfFace]:
    """Return the photos of the faces that a collection contains, by face id."""
    return {
        face.record.face_id: PhotoOfFace(face.record.image_id, face.record.source)
        for batch in batches(face_ids, MAX_PAGE)
        for face in gallery.list_faces(collection_id, face_ids=batch, limit=MAX_PAGE).faces
    }


def _unmatched(face: KnownFace, reason: Unmatched) -> UnmatchedFace:
    return UnmatchedFace(face.face_id, face.external_image_id, reason)
