"""Options for finding and selecting the faces of a photo."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict

from facerec.core.checks import is_number, is_whole
from facerec.errors import InvalidInputError, RecipeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection

DEFAULT_THRESHOLD = 0.8
"""Minimum similarity at which two faces count as the same person (see
``facerec.gallery.scores.similarity``)."""

MAX_FACES = 100
"""Maximum number of faces of one photo that are processed, as in Rekognition
(https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""

DETECTOR_NAMES = ("cnn", "cnn-exact", "hog")
"""The detectors, which ``facerec.engine.detect.detectors`` opens."""

MIN_SMALLEST_FACE = 20
"""Lowest allowed value of ``smallest_face``, in pixels. The detectors enlarge the photo so that
such a face fills their window; smaller faces can rarely be recognised."""


class Recipe(StrEnum):
    """How an embedding is computed, from one view of a face or four; part of the model version."""

    FAST = "fast"
    """One view of the face."""

    ACCURATE = "accurate"
    """The average over four views: slightly closer and slightly wider, each also mirrored."""


def checked_recipe(recipe: str, available: Collection[str]) -> str:
    """Return the name of a recipe if it is available.

    Raises:
        RecipeUnavailableError: There is no such recipe.
    """
    if recipe not in available:
        raise RecipeUnavailableError(recipe, tuple(available))
    return recipe


class QualityFilter(StrEnum):
    """How strictly to reject faces that are hard to recognise; the names are Rekognition's."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ChosenOptions(TypedDict, total=False):
    """The face options that callers of every interface can choose; None lets the gallery choose."""

    max_faces: int | None
    min_confidence: float | None
    quality_filter: QualityFilter | None
    smallest_face: int | None
    rotate: bool | None
    detector: str | None


OPTION_TEXTS = {
    "max_faces": "Keep at most this many faces per photo, best first",
    "min_confidence": "Reject faces below this confidence",
    "quality_filter": "Reject faces that are hard to recognise",
    "smallest_face": "Find faces of at least this size, in pixels of the photo; smaller is slower",
    "rotate": "Search a photo in all four orientations if its file does not state one and no "
    "upright face is found",
    "detector": "How to find faces: with the fast cascade, with dlib's network alone, or with "
    "dlib's HOG detector",
}
"""Descriptions of the options for the help of commands and the OpenAPI document."""


class _Chosen:
    """Stores which options were given. Not a field, so that plans and digests do not contain it."""

    __slots__ = ("_chosen",)


@dataclass(frozen=True, slots=True, init=False)
class FaceOptions(_Chosen):
    """Options that determine how faces of a photo are found, and which ones are kept.

    An operation of a gallery has its own defaults for the options that were not given; they differ
    between photos that are stored and photos that are only searched. Elsewhere, the defaults of the
    fields below apply.

    Attributes:
        max_faces: Maximum number of faces to keep, 1 to 100; the best are kept.
        min_confidence: Reject faces below this confidence, 0 to 1.
        quality_filter: Reject faces that are hard to recognise.
        smallest_face: Side in pixels of the smallest face to search for, in the photo as stored,
            at least ``MIN_SMALLEST_FACE``; None derives it from the size of the photo (see
            ``facerec.engine.smallest_face``).
        detector: The name of a detector (see ``facerec.engine.detect.detectors``).
        rotate: Whether to search a photo in its other three orientations too, if the file does not
            state which way up it is and no upright face is found.
        max_pixels: Reject photos with more pixels. For most JPEG files, the decoded size counts;
            WebP, AVIF and HEIC have a lower limit (see ``facerec.engine.decode.decoding.decode``).
    """

    max_faces: int = MAX_FACES
    min_confidence: float = 0.9
    quality_filter: QualityFilter = QualityFilter.AUTO
    smallest_face: int | None = None
    detector: str = "cnn"
    rotate: bool = True
    max_pixels: int = 100_000_000

    def __init__(
        self,
        max_faces: int | None = None,
        min_confidence: float | None = None,
        quality_filter: QualityFilter | None = None,
        smallest_face: int | None = None,
        detector: str | None = None,
        rotate: bool | None = None,
        max_pixels: int | None = None,
    ) -> None:
        """Check the options that are given; for None, the operation chooses.

        Raises:
            InvalidInputError: An option has an invalid value; the message names it.
        """
        given = {
            "max_faces": max_faces,
            "min_confidence": min_confidence,
            "quality_filter": quality_filter,
            "smallest_face": smallest_face,
            "detector": detector,
            "rotate": rotate,
            "max_pixels": max_pixels,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        for each in fields(self):
            object.__setattr__(self, each.name, chosen.get(each.name, each.default))
        object.__setattr__(self, "_chosen", frozenset(chosen))
        self._check()

    def chosen(self) -> dict[str, Any]:
        """Return the options that were given; all of them for options from another process."""
        names = getattr(self, "_chosen", None)
        return {
            name: value for name, value in asdict(self).items() if names is None or name in names
        }

    def _check(self) -> None:
        if not is_whole(self.max_faces) or not 1 <= self.max_faces <= MAX_FACES:
            raise InvalidInputError(
                f"max_faces must be an integer from 1 to {MAX_FACES}, got {self.max_faces!r}"
            )
        # Comparisons are false for NaN.
        if not is_number(self.min_confidence) or not 0 <= self.min_confidence <= 1:
            raise InvalidInputError(
                f"min_confidence must be a number from 0 to 1, got {self.min_confidence!r}"
            )
        if self.quality_filter not in list(QualityFilter):
            raise InvalidInputError(
                f"unknown quality filter {self.quality_filter!r}",
                f"choose one of {', '.join(QualityFilter)}",
            )
        if self.detector not in DETECTOR_NAMES:
            raise InvalidInputError(
                f"unknown detector {self.detector!r}", f"choose one of {', '.join(DETECTOR_NAMES)}"
            )
        if not isinstance(self.rotate, bool):
            raise InvalidInputError(f"rotate must be True or False, got {self.rotate!r}")
        if not is_whole(self.max_pixels) or self.max_pixels < 1:
            raise InvalidInputError(
                f"max_pixels must be an integer of at least 1, got {self.max_pixels!r}"
            )
        if self.smallest_face is not None and (
            not is_whole(self.smallest_face) or self.smallest_face < MIN_SMALLEST_FACE
        ):
            raise InvalidInputError(
                f"the smallest face must be an integer of at least {MIN_SMALLEST_FACE} pixels, "
                f"got {self.smallest_face!r}"
            )

    def digest(self) -> str:
        """Return 12 hexadecimal digits that change if any option changes."""
        # Imported late: command help lists the options without needing a digest.
        import hashlib
        import json

        options = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(options.encode()).hexdigest()[:12]
