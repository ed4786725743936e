"""Takes over a collection: its faces from their original photos, and its people.

An import can be killed at any time: run it again, and it imports the faces that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from facerec.core.limits import MAX_PAGE
from facerec.errors import (
    AccessDeniedError,
    CollectionExistsError,
    InvalidInputError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    QuotaExceededError,
    UnreadablePhotoError,
    UserExistsError,
)
from facerec.gallery.associations import MAX_FACES_OF_REQUEST
from facerec.gallery.gallery import Gallery
from facerec.gallery.importing import ImportedPhoto, KnownFace
from facerec.imports.rekognition import SourceCollection

Item = TypeVar("Item")

FindPhotos = Callable[[KnownFace], Sequence[str]]
"""Returns the addresses at which a face's photo may be."""


class Unmatched(StrEnum):
    """Why a face was not imported."""

    NO_PHOTO_NAMED = "NO_PHOTO_NAMED"
    PHOTO_NOT_FOUND = "PHOTO_NOT_FOUND"
    ACCESS_DENIED = "ACCESS_DENIED"
    PHOTO_UNREADABLE = "PHOTO_UNREADABLE"
    NO_FACE = "NO_FACE"
    NO_FACE_AT_ITS_PLACE = "NO_FACE_AT_ITS_PLACE"
    ID_IN_USE = "ID_IN_USE"
    ALREADY_INDEXED = "ALREADY_INDEXED"
    NOT_ASSOCIATED = "NOT_ASSOCIATED"


@dataclass(frozen=True, slots=True)
class UnmatchedFace:
    """A face that was not imported, or whose person does not have it.

    Attributes:
        face_id: Its id.
        external_image_id: The caller's own name for its photo, or None.
        reason: Why.
        photos: Where its photo was looked for.
    """

    face_id: str
    external_image_id: str | None
    reason: Unmatched
    photos: tuple[str, ...] = ()


@dataclass(slots=True)
class ImportReport:
    """What became of a collection.

    Attributes:
        faces: Number of faces of the source.
        imported: Number of faces that this run has stored.
        present: Number of faces that the collection held already.
        people: Number of people of the source.
        unmatched: Faces that are missing, in the order of the source.
    """

    collection_id: str
    faces: int
    people: int
    imported: int = 0
    present: int = 0
    unmatched: list[UnmatchedFace] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the report in the form of ``schemas/import-report.json``."""
        return {**asdict(self), "unmatched": [asdict(each) for each in self.unmatched]}


def import_collection(
    source: SourceCollection,
    collection_id: str,
    find_photos: FindPhotos,
    *,
    gallery: Gallery,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Store the faces and people of a collection under the ids that they have.

    Args:
        source: What is to be imported.
        collection_id: The collection that receives it; created if it does not exist.
        find_photos: Returns where the photo of a face may be.
        gallery: The gallery of the collection.
        on_progress: Called with the number of faces that are done.

    Raises:
        InvalidInputError: The collection id is not valid.
        ModelMismatchError: The collection's faces have another model version.
        StoreUnavailableError: A store is down; run the import again later.
    """
    with suppress(CollectionExistsError):
        gallery.create_collection(collection_id)
    report = ImportReport(collection_id, len(source.faces), len(source.users))
    stored = _stored_images(gallery, collection_id, [face.face_id for face in source.faces])
    missing: dict[str, list[KnownFace]] = {}
    for face in source.faces:
        if face.face_id not in stored:
            missing.setdefault(face.image_id, []).append(face)
        elif stored[face.face_id] == face.image_id:
            report.present += 1
        else:
            report.unmatched.append(_unmatched(face, Unmatched.ID_IN_USE))
    done = len(source.faces) - sum(map(len, missing.values()))
    used: set[str] = set()
    for faces in missing.values():
        on_progress(done)
        _import_photo(gallery, collection_id, faces, find_photos, used, report)
        done += len(faces)
    on_progress(done)
    _import_users(gallery, collection_id, source, report)
    return report


def _import_photo(
    gallery: Gallery,
    collection_id: str,
    faces: Sequence[KnownFace],
    find_photos: FindPhotos,
    used: set[str],
    report: ImportReport,
) -> None:
    """Import the faces of one photo, from the first of its possible addresses that shows them."""
    named = tuple(dict.fromkeys(find_photos(faces[0])))
    reason = Unmatched.NO_PHOTO_NAMED
    outcome = ImportedPhoto()
    for photo in named:
        # several photos of one name: each is the photo of one image id
        if photo in used:
            continue
        try:
            outcome = gallery.import_faces(collection_id, photo, faces)
        except ObjectNotFoundError:
            reason = Unmatched.PHOTO_NOT_FOUND
            continue
        except AccessDeniedError:
            reason = Unmatched.ACCESS_DENIED
            continue
        except (UnreadablePhotoError, PhotoTooLargeError, InvalidInputError):
            reason = Unmatched.PHOTO_UNREADABLE
            continue
        reason = Unmatched.NO_FACE_AT_ITS_PLACE
        if outcome.imported or outcome.indexed:
            used.add(photo)
            break
    report.imported += len(outcome.imported)
    reasons = dict.fromkeys(outcome.indexed, Unmatched.ALREADY_INDEXED)
    reasons |= dict.fromkeys(outcome.in_use, Unmatched.ID_IN_USE)
    report.unmatched += [
        UnmatchedFace(
            face.face_id, face.external_image_id, reasons.get(face.face_id, reason), named
        )
        for face in faces
        if face.face_id not in outcome.imported
    ]


def _import_users(
    gallery: Gallery, collection_id: str, source: SourceCollection, report: ImportReport
) -> None:
    """Create the people, and associate the faces that there are with them."""
    ids = [face.face_id for face in source.faces]
    stored = _stored_images(gallery, collection_id, ids)
    members: dict[str, list[KnownFace]] = {user_id: [] for user_id in source.users}
    for face in source.faces:
        if face.user_id is not None and face.face_id in stored:
            members.setdefault(face.user_id, []).append(face)
    for user_id, faces in members.items():
        with suppress(UserExistsError):
            gallery.create_user(collection_id, user_id)
        for batch in _batches(faces, MAX_FACES_OF_REQUEST):
            failed = {face.face_id for face in batch}
            with suppress(QuotaExceededError):
                # the other service has decided that they are of the person
                outcome = gallery.associate_faces(
                    collection_id, user_id, sorted(failed), threshold=0.0
                )
                failed = {failure.face_id for failure in outcome.failed}
            report.unmatched += [
                _unmatched(face, Unmatched.NOT_ASSOCIATED)
                for face in batch
                if face.face_id in failed
            ]


def _stored_images(gallery: Gallery, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
    """Return the image ids of those faces that a collection holds, by face id."""
    return {
        face.record.face_id: face.record.image_id
        for batch in _batches(face_ids, MAX_PAGE)
        for face in gallery.list_faces(collection_id, face_ids=batch, limit=MAX_PAGE).faces
    }


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _unmatched(face: KnownFace, reason: Unmatched) -> UnmatchedFace:
    return UnmatchedFace(face.face_id, face.external_image_id, reason)
