"""Measures error rates on the faces of a collection, and sets its threshold accordingly."""

from __future__ import annotations

from facerec.core.counts import count
from facerec.errors import InvalidInputError
from facerec.evaluate.calibration import MAX_FACES, Calibration, calibrate
from facerec.gallery.gallery import Gallery
from facerec.gallery.scores.similarity import checked_target_fmr


def calibrate_collection(
    gallery: Gallery, collection_id: str, *, target_fmr: float = 0.01
) -> Calibration:
    """Measure error rates on the faces of a collection, or on a random sample of them.

    Args:
        gallery: The gallery with the collection.
        collection_id: Id of the collection.
        target_fmr: Share of searches for a stranger that may have a match, above 0 and below 1.

    Raises:
        InvalidInputError: The id is not valid, the collection has fewer than two faces, the tag of
            its retention is not a number of days, or ``target_fmr`` is out of range.
        CollectionNotFoundError: The collection does not exist.
        ModelMismatchError: The collection has another model version.
    """
    checked_target_fmr(target_fmr)
    faces = gallery.describe_collection(collection_id).face_count
    sample = gallery.sample_faces(collection_id, MAX_FACES)
    if len(sample) < 2:
        raise InvalidInputError(
            f"collection {collection_id!r} has {count(len(sample), 'face')}: too few to compare",
            "index at least two faces",
        )
    return calibrate(sample, faces, target_search_rate=target_fmr)


def set_calibrated_threshold(
    gallery: Gallery, collection_id: str, calibration: Calibration
) -> None:
    """Make a calibrated threshold the default of its collection.

    Raises:
        InvalidInputError: Wrong names would determine the threshold.
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The deletion of the collection is not finished.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
        JobFolderError: The copy of the settings beside the job folders is damaged; the threshold
            was set.
    """
    if calibration.has_wrong_names:
        raise InvalidInputError(
            f"the threshold of collection {collection_id!r} is not set: it would depend on wrong "
            "names",
            "first correct the doubtful faces that the calibration lists",
        )
    gallery.set_threshold(collection_id, calibration.threshold)
