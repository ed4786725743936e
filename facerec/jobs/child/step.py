"""A step of a child: the rows of some consecutive photos, and the faces to store with them.

``processing`` computes a step (``add``), and ``attempt`` adds the faces of photos that were moved
(``store_again``). Before the commit, ``segment_writer`` updates the step for later changes in the
collection: faces that were deleted (``omit_deleted``), photos that were erased (``erase``), and
faces of people that must be kept (``keep``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from facerec.core.ids import image_key
from facerec.core.sources import is_address
from facerec.gallery.erasing.erased_photos import NamedPhoto
from facerec.gallery.erasing.tombstones import without_deleted
from facerec.jobs.ledger.rows import IndexedFace, LedgerRow, erased_row
from facerec.jobs.outcomes import Outcome

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.jobs.child.loading import LoadedPhoto
    from facerec.jobs.manifest.cursor import Cursor
    from facerec.jobs.plan import Plan


@dataclass(frozen=True, slots=True)
class KnownPhotos:
    """The photos of a step that the collection already contains.

    Attributes:
        stored: The collection's faces of each photo, by image key.
        current: Keys of the photos that need no processing, because their faces were selected with
            this job's options and engine.
    """

    stored: Mapping[str, Sequence[FaceRecord]] = field(default_factory=dict)
    current: Set[str] = frozenset()


@dataclass(slots=True)
class Step:
    """The rows and faces of a step, which one commit stores.

    ``process_photos`` adds rows to it, and the attempt calls ``store_again`` for photos that were
    moved. ``SegmentWriter`` then edits the step for changes in the collection: it calls
    ``omit_deleted`` and ``erase`` until no more faces or photos were deleted, and ``keep`` each
    time before it stores the step.

    Attributes:
        start: Cursor at the beginning of the step.
        end: Cursor at the end of the step.
        rows: One for each photo that was processed, in order.
        faces: The faces to store, by image key. An empty list deletes the stored faces of the key.
        stored_ids: Ids of these photos' faces that the collection already has, by image key.
        complete: Whether all photos were processed, not only those before a stop request.
        keys: Image key of each row's photo; None for a failed photo.
        row_of_key: Index in ``rows`` of the first row of each image key.
    """

    start: Cursor
    end: Cursor
    rows: list[LedgerRow] = field(default_factory=list)
    faces: dict[str, list[StoredFace]] = field(default_factory=dict)
    stored_ids: dict[str, frozenset[str]] = field(default_factory=dict)
    complete: bool = True
    keys: list[str | None] = field(default_factory=list, repr=False)
    row_of_key: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def image_ids(self) -> frozenset[str]:
        """The ids of the step's photos."""
        return frozenset(row.image_id for row in self.rows if row.image_id)

    def add(self, row: LedgerRow, key: str | None) -> None:
        """Append the row of the next photo, and its image key; None for a failed photo."""
        if key is not None:
            self.row_of_key.setdefault(key, len(self.rows))
        self.rows.append(row)
        self.keys.append(key)

    def omit_deleted(self, deleted: Mapping[str, Sequence[BoundingBox]]) -> None:
        """Omit faces that overlap the box of a deleted face, given boxes by image key."""
        for key, boxes in deleted.items():
            faces = without_deleted(self.faces[key], boxes)
            gone = {face.record.face_id for face in self.faces[key]}
            gone -= {face.record.face_id for face in faces}
            if gone:
                self.faces[key] = list(faces)
                first = self.row_of_key[key]
                deleted_before = self.rows[first].deleted
                # A photo that occurs twice has a second row.
                self.rows[first:] = [_without(row, gone) for row in self.rows[first:]]
                self.rows[first] = replace(self.rows[first], deleted=deleted_before + len(gone))

    def photos(self) -> list[NamedPhoto | None]:
        """Return the photos that may have been erased, one for each row.

        None stands for a row whose line names no photo to index, and for a photo that the
        collection already contains.
        """
        return list(map(self._erasable, self.rows, self.keys))

    def _erasable(self, row: LedgerRow, key: str | None) -> NamedPhoto | None:
        if not row.photo or row.outcome in (Outcome.MALFORMED_LINE, Outcome.SKIPPED):
            return None
        present = row.outcome is Outcome.ALREADY_INDEXED and key not in self.faces
        if present or key in self.stored_ids:
            return None
        return NamedPhoto(row.photo, row.external_image_id, row.image_id, key)

    def erase(self, numbers: Set[int], photos: Sequence[NamedPhoto | None]) -> None:
        """Erase the rows of erased photos, and drop the faces of these photos.

        Args:
            numbers: Indices in ``rows`` of the erased photos.
            photos: The result of ``photos()``, from before any row was erased.
        """
        left = {
            photo.key
            for number, photo in enumerate(photos)
            if photo is not None and number not in numbers
        }
        for number in numbers:
            photo = photos[number]
            self.rows[number] = erased_row(self.rows[number])
            if photo is not None and photo.key in self.faces and photo.key not in left:
                self.faces[photo.key] = []

    def keep(self, kept: Mapping[str, Sequence[StoredFace]]) -> None:
        """Add faces of people, by image key, that storing the step would otherwise remove."""
        for key, faces in kept.items():
            number = self.row_of_key[key]
            row = self.rows[number]
            self.rows[number] = replace(
                row,
                kept=(*row.kept, *(indexed_face(face.record) for face in faces)),
                removed=row.removed - len(faces),
            )
            self.faces[key] = [*self.faces[key], *faces]

    def store_again(self, faces: Mapping[str, list[StoredFace]]) -> None:
        """Store faces of unchanged photos again with the given records, by image key."""
        for key in faces.keys() & self.row_of_key.keys():
            self.faces[key] = faces[key]
            self.stored_ids[key] = frozenset(face.record.face_id for face in faces[key])
        for number, own in enumerate(self.keys if faces else ()):
            if own is not None and own in faces:
                row, records = self.rows[number], [face.record for face in faces[own]]
                self.rows[number] = replace(row, is_copy=is_copy_of(row.photo, records))


def photo_key(plan: Plan, photo: LoadedPhoto) -> str | None:
    """Return the image key of a photo in the plan's collection; None for a failed photo."""
    if photo.image_id is None:
        return None
    return image_key(plan.collection_id, photo.image_id, photo.external_image_id, plan.id_version)


def is_copy_of(photo: str, stored: Sequence[FaceRecord]) -> bool:
    """Return whether stored faces of the same content have an address other than this photo's."""
    return any(is_address(record.source) and record.address != photo for record in stored)


def indexed_face(record: FaceRecord) -> IndexedFace:
    """Convert a stored face into the form that ledger rows have."""
    return IndexedFace(record.face_id, record.box, record.confidence)


def _without(row: LedgerRow, face_ids: Set[str]) -> LedgerRow:
    """Return a row without faces that will not be stored."""
    if face_ids.isdisjoint(face.face_id for face in row.stored):
        return row
    faces = tuple(face for face in row.faces if face.face_id not in face_ids)
    kept = tuple(face for face in row.kept if face.face_id not in face_ids)
    outcome = row.outcome if faces or not row.faces else Outcome.ALL_FACES_REJECTED
    return replace(row, outcome=outcome, faces=faces, kept=kept)
