"""Compares each face of one photo with each face of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.gallery.scores.scoring import similarity_between

if TYPE_CHECKING:
    from facerec.core.photos import PhotoFaces


@dataclass(frozen=True, slots=True)
class FacePair:
    """A pair of faces, one from each of two photos.

    Attributes:
        source: Index of the face among the source photo's faces.
        target: Index of the face among the target photo's faces.
        similarity: 0 to 1; see ``facerec.gallery.scores.similarity``.
        distance: Euclidean distance of the two embeddings.
        best: Whether this pair remains if each face is used at most once; see ``pair_faces``.
    """

    source: int
    target: int
    similarity: float
    distance: float
    best: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two photos.

    Attributes:
        model_version: Model version of the engine.
        source: Faces of the source photo, including rejected ones.
        target: Faces of the target photo, including rejected ones.
        pairs: Faces of ``source`` with faces of ``target``, most similar first.
        more_pairs: Whether there are more pairs than the limit.
    """

    model_version: str
    source: PhotoFaces
    target: PhotoFaces
    pairs: tuple[FacePair, ...]
    more_pairs: bool


def pair_faces(source: PhotoFaces, target: PhotoFaces) -> tuple[FacePair, ...]:
    """Return all pairs of two photos' faces, most similar first.

    The best pairs are chosen greedily: the two most similar faces are paired, then the two most
    similar of the remaining faces, and so on. Each photo must contain at least one face.
    """
    sources, targets = (
        np.stack([face.embedding for face in photo.faces]).astype(np.float64)
        for photo in (source, target)
    )
    distances = np.linalg.norm(sources[:, None] - targets[None], axis=2)
    similarities = np.array(
        [
            [
                similarity_between(float(distances[row, column]), one.stats, other.stats)
                for column, other in enumerate(target.faces)
            ]
            for row, one in enumerate(source.faces)
        ]
    )
    pairs: list[FacePair] = []
    paired_sources: set[int] = set()
    paired_targets: set[int] = set()
    for index in np.lexsort((distances.ravel(), -similarities.ravel())):
        row, column = divmod(int(index), distances.shape[1])
        distance, similarity = float(distances[row, column]), float(similarities[row, column])
        best = row not in paired_sources and column not in paired_targets
        if best:
            paired_sources.add(row)
            paired_targets.add(column)
        pairs.append(FacePair(row, column, similarity, distance, best))
    return tuple(pairs)
