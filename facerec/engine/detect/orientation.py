"""Estimates the orientation of a photo from the faces that the proposal network finds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.closer_look import TILE, cut_out
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.proposals import (
    MIN_FACE_PIXELS,
    Proposal,
    ProposalNetwork,
    first_level,
)

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
"""Quarter turns, counterclockwise."""

MIN_UPRIGHT_SCORE = 4.0
"""Proposal score from which a face seems to be upright. On LFW, 97 % of the upright photos have
such a confirmed face, and none of those that lie on their side (``docs/detection.md``)."""

_CLEAR_UPRIGHT_SCORE = 6.0
"""Proposal score from which a confirmed face shows that the photo is upright, whatever the other
orientations look like: among many sideways faces, one may score more than 4."""

_MAX_LOSS = 0.25
"""Maximum decrease of the best detector score by a turn. dlib's network scores some faces
higher on their side, by up to 0.22 on LFW; a photo turned wrongly loses more."""

_MAX_PIXELS = 65_000
"""Maximum number of pixels for judging the other orientations. At this size, faces from a sixth of
the photo's side are found; smaller faces are judged on tiles."""

MAX_TILES = 12
"""Number of the most likely places to cut out and judge in each orientation: a face on its side
still resembles a face more than most places do."""


def is_upright(detections: Sequence[Detection]) -> bool:
    """Return whether any detection shows that the photo is upright.

    Faces without a proposal show nothing: ``cnn-exact`` sees two thirds of the faces that lie on
    their side.
    """
    return _best_proposal_score(detections) >= _CLEAR_UPRIGHT_SCORE


def is_better_turned(turned: Sequence[Detection], stored: Sequence[Detection]) -> bool:
    """Return whether to turn a photo: a face is upright then, and the best score is not much lower.

    Args:
        turned: Faces with enough confidence, after the turn.
        stored: Faces before the turn.
    """
    if not any(
        face.proposal_score is None or face.proposal_score >= MIN_UPRIGHT_SCORE for face in turned
    ):
        return False
    return _best_score(turned) >= _best_score(stored) - _MAX_LOSS


class OrientationFinder:
    """Finds the orientation in which a photo has the clearest face."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the proposal network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.
        """
        self._proposals = ProposalNetwork(threads=threads)

    def find(
        self,
        pixels: Pixels,
        smallest_face: float,
        detections: Sequence[Detection],
        places: Iterable[Proposal] | None = None,
    ) -> int:
        """Return the number of counterclockwise quarter turns that seem to make a photo upright.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: Side in pixels of the smallest face to search for.
            detections: The faces found in the photo without turning it.
            places: Places in the photo that may hold a face, most likely first; None to find them.

        Returns:
            1, 2 or 3 if a face is clearer in that orientation, otherwise 0.
        """
        if places is None:
            places = self._proposals.propose(pixels, smallest_face)
        likeliest = list(islice(places, MAX_TILES))
        height, width = pixels.shape[:2]
        smallest_seen = MIN_FACE_PIXELS * math.sqrt(height * width / _MAX_PIXELS)
        level = first_level(pixels, max(smallest_seen, smallest_face))
        scores = np.array([self._clearest(level.transpose(turn)) for turn in _TURNS])
        small = [place for place in likeliest if place.side < smallest_seen]
        scores = np.maximum(scores, self._clearest_in_tiles(pixels, small))
        best = int(np.argmax(scores))
        if scores[best] < MIN_UPRIGHT_SCORE:
            return 0
        has_unproposed = any(face.proposal_score is None for face in detections)
        stored = likeliest[0].score if has_unproposed and likeliest else -np.inf
        is_clearer = scores[best] > max(stored, _best_proposal_score(detections))
        return best + 1 if is_clearer else 0

    def _clearest_in_tiles(self, pixels: Pixels, places: Sequence[Proposal]) -> NDArray[np.float64]:
        """Return the score of the place most like a face in each of the other orientations.

        All tiles are on one sheet, a row for each orientation.
        """
        scores = np.full(len(_TURNS), -np.inf)
        if not places:
            return scores
        sheet = Image.new("L", (TILE * len(places), TILE * len(_TURNS)))
        for column, place in enumerate(places):
            tile = cut_out(pixels, place)
            for row, turn in enumerate(_TURNS):
                sheet.paste(tile.transpose(turn), (column * TILE, row * TILE))
        _, down, _, found = self._proposals.search_level(sheet).T
        rows = np.clip(down // TILE, 0, len(_TURNS) - 1).astype(np.intp)
        np.maximum.at(scores, rows, found)
        return scores

    def _clearest(self, level: Image.Image) -> float:
        """Return the score of the place most like a face."""
        best = next(self._proposals.propose_in(level, *level.size), None)
        return -np.inf if best is None else best.score


def _best_proposal_score(detections: Iterable[Detection]) -> float:
    scores = (face.proposal_score for face in detections)
    return max((score for score in scores if score is not None), default=-np.inf)


def _best_score(detections: Iterable[Detection]) -> float:
    return max((face.score for face in detections), default=-np.inf)


def turned(pixels: Pixels, turns: int) -> Pixels:
    """Return a photo turned counterclockwise by quarter turns, C-contiguous."""
    return np.ascontiguousarray(np.rot90(pixels, turns))
