"""Whether two photos show the same people: each face of one against each of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.protocols import FaceEngine
from facerec.gallery.photos import PROBE_OPTIONS, faces_of
from facerec.gallery.similarity import similarity_of


@dataclass(frozen=True, slots=True)
class FacePair:
    """A face of each photo.

    Attributes:
        source: place in the first photo's faces.
        target: place in the second photo's faces.
        similarity: 0 to 1; see ``facerec.gallery.similarity``.
        distance: Euclidean, between the two descriptors.
        best: whether the two belong together if nobody is on a photo twice.
    """

    source: int
    target: int
    similarity: float
    distance: float
    best: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two photos compared.

    Attributes:
        model_version: of the engine.
        source: all faces of the first photo, also those left out, with reasons.
        target: likewise of the second.
        pairs: every face of ``source`` with every face of ``target``, the most similar first.
    """

    model_version: str
    source: PhotoFaces
    target: PhotoFaces
    pairs: tuple[FacePair, ...]


def compare(
    source: bytes, target: bytes, *, engine: FaceEngine, options: FaceOptions = PROBE_OPTIONS
) -> Comparison:
    """Compare the faces of two photos.

    Args:
        source: the bytes of an image file.
        target: the bytes of another.
        engine: finds the faces.
        options: how to find and choose faces.

    Raises:
        UnreadablePhotoError: a photo cannot be looked at.
        NoFaceError: a photo shows no face, or none that the options accept.
    """
    first = faces_of(source, engine=engine, options=options, name="the first photo")
    second = faces_of(target, engine=engine, options=options, name="the second photo")
    return Comparison(engine.model_version, first, second, compare_faces(first, second))


def compare_faces(source: PhotoFaces, target: PhotoFaces) -> tuple[FacePair, ...]:
    """Return all pairs of two photos' faces, the most similar first.

    The best pairs are found greedily: the most similar two faces belong together, then the most
    similar two of those that remain, and so on.
    """
    sources, targets = (
        np.stack([face.embedding for face in photo.faces]).astype(np.float64)
        for photo in (source, target)
    )
    distances = np.linalg.norm(sources[:, None] - targets[None], axis=2)
    pairs: list[FacePair] = []
    paired_sources: set[int] = set()
    paired_targets: set[int] = set()
    for place in np.argsort(distances, axis=None, kind="stable"):
        row, column = divmod(int(place), distances.shape[1])
        distance = float(distances[row, column])
        best = row not in paired_sources and column not in paired_targets
        if best:
            paired_sources.add(row)
            paired_targets.add(column)
        pairs.append(FacePair(row, column, similarity_of(distance), distance, best))
    return tuple(pairs)
