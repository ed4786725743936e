"""Imports the images of a collection: finds the photo of each image, and the faces in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from facerec.core.addresses import storable_source
from facerec.core.faces import BoundingBox
from facerec.core.options import QualityFilter
from facerec.errors import (
    AccessDeniedError,
    InvalidInputError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    ReadFailedError,
    UnreadablePhotoError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.transfer.importing import KnownFace
from facerec.imports.matching import assign, fit_of
from facerec.imports.report import ImportReport, Unmatched, UnmatchedFace

Result = TypeVar("Result")

MAX_IMAGES_OF_NAME = 1000
"""Maximum number of images and photos of one name to compare: time grows with its third power."""


class PhotoOfFace(NamedTuple):
    """The photo of a stored face: its id, and its address or ""."""

    image_id: str
    source: str


@dataclass(frozen=True, slots=True)
class ImageImporter:
    """Imports the images of a collection, those of one name at a time.

    Attributes:
        stored: Photos of those faces of the source that the collection contained before, by face
            id.
        deleted: Ids of faces of the source that were imported before, and deleted on purpose.
        face_ids: Ids of all faces of the source.
    """

    gallery: Gallery
    collection_id: str
    stored: Mapping[str, PhotoOfFace]
    deleted: frozenset[str]
    face_ids: frozenset[str]
    report: ImportReport
    restore_deleted: bool

    def import_images(self, photos: Sequence[str], images: Sequence[Sequence[KnownFace]]) -> None:
        """Import each image from the one of several photos that shows its faces.

        Args:
            photos: Addresses of the photos.
            images: Faces of each image that may be in one of them.
        """
        done = self.stored.keys() | self.deleted
        missing = [[face for face in faces if face.face_id not in done] for faces in images]
        if not any(missing):
            return
        if not photos:
            self._report(missing, photos, Unmatched.NO_PHOTO_NAMED)
        elif len(photos) == len(images) == 1:
            self._import(photos[0], missing[0], photos)
        elif max(len(photos), len(images)) > MAX_IMAGES_OF_NAME:
            self._report(missing, photos, Unmatched.AMBIGUOUS)
        else:
            self._import_best(photos, images, missing)

    def _import_best(
        self,
        photos: Sequence[str],
        images: Sequence[Sequence[KnownFace]],
        missing: Sequence[Sequence[KnownFace]],
    ) -> None:
        boxes, failure = self._find(photos)
        chosen, doubtful = self._assign(images, boxes, photos)
        for number, faces in enumerate(missing):
            if number in doubtful:
                self._report([faces], photos, Unmatched.AMBIGUOUS)
            elif number in chosen:
                self._import(chosen[number], faces, photos)
            else:
                self._report([faces], photos, failure or Unmatched.NO_FACE_AT_ITS_PLACE)

    def _find(self, photos: Sequence[str]) -> tuple[dict[str, list[BoundingBox]], Unmatched | None]:
        """Return the boxes of faces by photo, and why the last unreadable photo cannot be read.

        The reason is None if all photos can be read.
        """
        boxes: dict[str, list[BoundingBox]] = {}
        failure: Unmatched | None = None
        options = self.gallery.defaults.index_options(quality_filter=QualityFilter.NONE)
        for photo in photos:
            found = _attempt(partial(self.gallery.detect, photo, options=options))
            if isinstance(found, Unmatched):
                failure = found
            else:
                boxes[photo] = [face.box for face in found.faces]
        return boxes, failure

    def _assign(
        self,
        images: Sequence[Sequence[KnownFace]],
        boxes: Mapping[str, Sequence[BoundingBox]],
        photos: Sequence[str],
    ) -> tuple[dict[int, str], set[int]]:
        """Return the photos of images, and the images that several photos fit about equally."""
        kept = {
            number: photo
            for number, faces in enumerate(images)
            if (photo := self._photo_of(faces, photos)) is not None
        }
        # A photo that was indexed twice belongs to both images.
        places = [tuple(sorted(astuple(face.box) for face in faces)) for faces in images]
        twins: dict[object, list[int]] = {}
        for number, place in enumerate(places):
            twins.setdefault(number if number in kept else place, []).append(number)
        rows = list(twins.values())
        addresses = list(boxes)
        fits = np.zeros((len(rows), len(boxes)))
        used = set(kept.values())
        for row, (number, *_) in enumerate(rows):
            own = {kept[number]} if number in kept else boxes.keys() - used
            there = [face.box for face in images[number]]
            for column, photo in enumerate(addresses):
                fits[row, column] = fit_of(there, boxes[photo]) if photo in own else 0.0
        found, doubtful = assign(fits)
        again = {places[number]: photo for number, photo in kept.items()}
        chosen = {n: again[place] for n, place in enumerate(places) if place in again}
        chosen |= {number: addresses[found[row]] for row in found for number in rows[row]}
        return chosen | kept, {n for row in doubtful for n in rows[row] if n not in kept}

    def _photo_of(self, faces: Sequence[KnownFace], photos: Sequence[str]) -> str | None:
        """Return the photo from which an earlier import stored faces of an image, or None."""
        sources = {
            self.stored[face.face_id].source
            for face in faces
            if face.face_id in self.stored and self.stored[face.face_id].image_id == face.image_id
        }
        return next((photo for photo in photos if storable_source(photo) in sources), None)

    def _import(self, photo: str, faces: Sequence[KnownFace], photos: Sequence[str]) -> None:
        """Import faces of one photo."""
        if not faces:
            return
        outcome = _attempt(
            lambda: self.gallery.import_faces(
                self.collection_id,
                photo,
                faces,
                others=self.face_ids,
                restore_deleted=self.restore_deleted,
            )
        )
        if isinstance(outcome, Unmatched):
            self._report([faces], photos, outcome)
            return
        self.report.imported += len(outcome.imported)
        for face in faces:
            if face.face_id in outcome.indexed:
                self._report([[face]], photos, Unmatched.ALREADY_INDEXED)
            elif face.face_id in outcome.in_use:
                self._report([[face]], photos, Unmatched.ID_IN_USE)
            elif face.face_id in outcome.deleted:
                self._report([[face]], photos, Unmatched.DELETED)
            elif face.face_id not in outcome.imported:
                self._report([[face]], photos, Unmatched.NO_FACE_AT_ITS_PLACE)

    def _report(
        self, images: Iterable[Sequence[KnownFace]], photos: Sequence[str], reason: Unmatched
    ) -> None:
        self.report.unmatched += [
            UnmatchedFace(face.face_id, face.external_image_id, reason, tuple(photos))
            for faces in images
            for face in faces
        ]


def _attempt(read: Callable[[], Result]) -> Result | Unmatched:
    """Return the result of reading a photo, or the reason why it cannot be read."""
    try:
        return read()
    except ObjectNotFoundError:
        return Unmatched.PHOTO_NOT_FOUND
    except AccessDeniedError:
        return Unmatched.ACCESS_DENIED
    except (UnreadablePhotoError, PhotoTooLargeError, ReadFailedError, InvalidInputError):
        return Unmatched.PHOTO_UNREADABLE
