"""Measures how often enrolled people are identified correctly, and strangers by mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InvalidInputError
from facerec.evaluate.faces import DescribedFaces
from facerec.evaluate.rates import Interval, wilson
from facerec.gallery.scores.normalisation import similarity_of_score

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".tif", ".tiff"}
FALSE_POSITIVE_RATES = (0.01, 0.05, 0.1)

MIN_STRANGERS = 10
"""Minimum number of probes of strangers to measure a rate: one of ten is the highest of
``FALSE_POSITIVE_RATES``."""


@dataclass(frozen=True, slots=True)
class OpenSetRate:
    """The miss rate of a threshold at a false positive identification rate.

    Attributes:
        false_positive_rate: Share of strangers who are identified as somebody.
        similarity: The threshold at which this rate is reached; in ``plain_open_set``, a distance.
        miss_rate: Share of probes of enrolled people that are not identified correctly.
    """

    false_positive_rate: float
    similarity: float
    miss_rate: Interval


@dataclass(frozen=True, slots=True)
class Identification:
    """The result of searching a gallery for the faces of probes.

    Attributes:
        people: Number of people with a face in the gallery.
        faces: Number of faces in the gallery.
        known: Number of probes of people with a photo in the gallery.
        known_without_a_face: Number of known probes in which no face was found; they count as
            missed.
        strangers: Number of probes with a face that show other people.
        failures: Reasons why photos have no face, by name.
        rank_1: Share of known probes whose most similar face is of the same person.
        open_set: Miss rates at ``FALSE_POSITIVE_RATES``, by normalised score, without rates for
            which there are too few strangers.
        plain_open_set: The same by plain distance.
        curve: False positive identification rates with miss rates, by normalised score; empty
            without strangers.
        plain_curve: The same by plain distance.
    """

    people: int
    faces: int
    known: int
    known_without_a_face: int
    strangers: int
    failures: dict[str, str]
    rank_1: Interval
    open_set: list[OpenSetRate]
    plain_open_set: list[OpenSetRate]
    curve: list[tuple[float, float]]
    plain_curve: list[tuple[float, float]]


def people_photos(folder: Path) -> list[str]:
    """Return the photos of a folder as PERSON/PHOTO, in order.

    Raises:
        InvalidInputError: The folder has no photos in subfolders named after people.
    """
    names = sorted(
        str(path.relative_to(folder))
        for path in folder.glob("*/*")
        if path.suffix.lower() in SUFFIXES
    )
    if not names:
        raise InvalidInputError(
            f"{folder} contains no photos in folders named after people",
            "put each person's photos into a folder of their own",
        )
    return names


def identify(
    gallery: DescribedFaces, probes: DescribedFaces, *, one_folder: bool = False
) -> Identification:
    """Search the gallery for the face of each probe.

    Args:
        gallery: Faces of photos that are named PERSON/PHOTO.
        probes: Faces of photos that are named in the same way.
        one_folder: Whether both are of one folder; then no photo is compared with itself.

    Raises:
        InvalidInputError: No probe with a face shows an enrolled person.
    """
    enrolled = np.array([_person(name) for name in gallery.names])
    people = np.array([_person(name) for name in probes.names])
    in_gallery = {_person(name) for name in (*gallery.names, *gallery.failures)}
    known = np.isin(people, list(in_gallery))
    lost = sum(_person(name) in in_gallery for name in probes.failures)
    if not np.isin(people, enrolled).any():
        raise InvalidInputError(
            "none of the probes with a face shows an enrolled person",
            "use probes and enrolled photos of the same people, in folders of the same names",
        )
    positions = (
        {name: position for position, name in enumerate(gallery.names)} if one_folder else {}
    )
    scores, distances, named, plain_named = _search(gallery, probes, enrolled, positions)
    right, plain_right = named == people, plain_named == people
    strangers = ~known
    return Identification(
        people=len(np.unique(enrolled)),
        faces=len(enrolled),
        known=int(known.sum()) + lost,
        known_without_a_face=lost,
        strangers=int(strangers.sum()),
        failures={**gallery.failures, **probes.failures},
        rank_1=wilson(int(right[known].sum()), int(known.sum()) + lost),
        open_set=_open_set(scores, right, known, lost, as_similarity=True),
        plain_open_set=_open_set(distances, plain_right, known, lost, as_similarity=False),
        curve=_curve(scores, right, known, lost),
        plain_curve=_curve(distances, plain_right, known, lost),
    )


def _person(name: str) -> str:
    return name.split("/")[0]


def _search(
    gallery: DescribedFaces,
    probes: DescribedFaces,
    enrolled: NDArray[np.str_],
    positions: dict[str, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_], NDArray[np.str_]]:
    """Return each probe's lowest score and smallest distance, and the people of these two faces.

    ``positions`` maps names of photos to positions in the gallery. A probe with such a name is not
    compared with the face at that position.
    """
    everyone = np.arange(len(enrolled))
    count = len(probes.names)
    scores, distances = np.empty(count), np.empty(count)
    named, plain_named = np.empty(count, enrolled.dtype), np.empty(count, enrolled.dtype)
    stored = gallery.embeddings.astype(np.float64)
    for probe, name in enumerate(probes.names):
        away = np.linalg.norm(stored - probes.embeddings[probe], axis=1)
        score = (
            (away - gallery.means) / gallery.deviations
            + (away - probes.means[probe]) / probes.deviations[probe]
        ) / 2
        if name in positions:
            away = np.where(everyone == positions[name], np.inf, away)
            score = np.where(everyone == positions[name], np.inf, score)
        best, nearest = int(score.argmin()), int(away.argmin())
        scores[probe], named[probe] = score[best], enrolled[best]
        distances[probe], plain_named[probe] = away[nearest], enrolled[nearest]
    return scores, distances, named, plain_named


def _open_set(
    scores: NDArray[np.float64],
    right: NDArray[np.bool_],
    known: NDArray[np.bool_],
    lost: int,
    *,
    as_similarity: bool,
) -> list[OpenSetRate]:
    strangers = np.sort(scores[~known])
    rates = []
    for rate in FALSE_POSITIVE_RATES:
        allowed = int(rate * len(strangers))
        if not allowed:
            continue
        threshold = float(strangers[allowed - 1])
        missed = ~(right & (scores <= threshold))[known]
        shown = similarity_of_score(threshold) if as_similarity else threshold
        miss_rate = wilson(int(missed.sum()) + lost, len(missed) + lost)
        rates.append(OpenSetRate(rate, shown, miss_rate))
    return rates


def _curve(
    scores: NDArray[np.float64], right: NDArray[np.bool_], known: NDArray[np.bool_], lost: int
) -> list[tuple[float, float]]:
    strangers = np.sort(scores[~known])
    if not len(strangers):
        return []
    hits = np.sort(scores[known & right])
    rates = np.arange(1, len(strangers) + 1) / len(strangers)
    missed = 1 - np.searchsorted(hits, strangers, "right") / (known.sum() + lost)
    step = max(1, len(rates) // 200)
    points: Sequence[tuple[float, float]] = list(zip(rates.tolist(), missed.tolist(), strict=True))
    return list(points[::step])
