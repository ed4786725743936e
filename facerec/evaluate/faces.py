"""Describes one face of each photo of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.core.batches import batches
from facerec.core.faces import BoundingBox
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.options import FaceOptions
from facerec.core.photos import DetectedFace, EmbeddedFace, PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.errors import InputFileError, ReadTimedOutError

PHOTOS_OF_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class DescribedFaces:
    """One face of each photo in which a face was found.

    Attributes:
        names: Paths of the photos below their folder, in order.
        boxes: The position of each face, in ratios of its photo.
        embeddings: float32 of shape (n, 128).
        means: The mean of each face's cohort stats, float64 of shape (n,).
        deviations: The deviation of each face's cohort stats, float64 of shape (n,).
        failures: Reasons why other photos have no face, by name.
    """

    names: list[str]
    boxes: list[BoundingBox]
    embeddings: NDArray[np.float32]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    failures: dict[str, str]

    def scores(
        self, one: NDArray[np.int64], other: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the distances and normalised scores of pairs of faces, given by their indexes."""
        difference = self.embeddings[one].astype(np.float64) - self.embeddings[other]
        distances = np.linalg.norm(difference, axis=1)
        return distances, self.normalised(distances, one, other)

    def normalised(
        self, distances: NDArray[np.float64], one: NDArray[np.int64], other: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return normalised scores, by the formula of ``facerec.gallery.scores.normalisation``."""
        scores: NDArray[np.float64] = (
            (distances - self.means[one]) / self.deviations[one]
            + (distances - self.means[other]) / self.deviations[other]
        ) / 2
        return scores


def describe(
    folder: Path,
    names: Sequence[str],
    *,
    engine: FaceEngine,
    options: FaceOptions,
    progress: Callable[[int], None] = lambda count: None,
) -> DescribedFaces:
    """Describe the face nearest to the centre of each photo.

    Args:
        folder: The folder that the names are relative to.
        names: Paths of the photos below the folder.
        engine: Finds and describes the faces.
        options: Options that determine how faces are detected and selected.
        progress: Called with the number of photos that were just described.

    Raises:
        WeightsError: A file of network weights is missing or cannot be used.
    """
    found: list[tuple[str, EmbeddedFace]] = []
    failures: dict[str, str] = {}
    for batch in batches(names, PHOTOS_OF_BATCH):
        contents: dict[str, bytes] = {}
        for name in batch:
            try:
                contents[name] = read_input(folder / name, MAX_PHOTO_BYTES)
            except InputFileError as error:
                failures[name] = error.problem
            except ReadTimedOutError as error:
                failures[name] = f"no answer in {error.seconds:g} seconds"
        results = engine.analyse(list(contents.values()), options)
        for name, photo in zip(contents, results, strict=True):
            if not isinstance(photo, PhotoFaces):
                failures[name] = photo.detail
            elif not photo.faces:
                failures[name] = _why_no_face(photo)
            else:
                found.append((name, min(photo.faces, key=_distance_from_centre)))
        progress(len(batch))
    faces = [face for _, face in found]
    return DescribedFaces(
        names=[name for name, _ in found],
        boxes=[face.box for face in faces],
        embeddings=np.array([face.embedding for face in faces], np.float32).reshape(-1, 128),
        means=np.array([face.stats.mean for face in faces]),
        deviations=np.array([face.stats.deviation for face in faces]),
        failures=failures,
    )


def _why_no_face(photo: PhotoFaces) -> str:
    if not photo.rejected:
        return "no face found"
    nearest = min(photo.rejected, key=_distance_from_centre)
    return f"face rejected: {', '.join(nearest.reasons)}"


def _distance_from_centre(face: DetectedFace) -> float:
    box = face.box
    return float(np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5))
