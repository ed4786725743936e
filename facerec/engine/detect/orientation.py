"""Orientation of a photo, judged by the faces that the proposal network finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.proposals import GREEN, Proposal, ProposalNetwork, first_level

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
"""Quarter turns, counterclockwise."""

MIN_UPRIGHT_SCORE = 4.0
"""Proposal score from which a face seems to be upright. On LFW, 97 % of the upright photos have
such a confirmed face, and none of those that lie on their side (``docs/detection.md``)."""

_CLEAR_UPRIGHT_SCORE = 6.0
"""Proposal score from which a confirmed face shows that the photo is upright, whatever the other
orientations look like: among many sideways faces, one may score more than 4."""

_MAX_LOSS = 0.25
"""How much lower the best detector score may be after a turn. dlib's network scores some faces
higher on their side, by up to 0.22 on LFW; a photo turned wrongly loses more."""

_REDUCTION = 2
"""The other orientations are judged at half the size, for a quarter of the cost, where they show
faces of twice the smallest size; smaller ones are judged on tiles."""

MAX_TILES = 4
"""How many of the likeliest places are cut out and judged in each orientation: a face on its side
still looks more like a face than most places do."""

_TILE = 112
"""Side of such a tile, in pixels of the proposal network."""

_FACE_IN_TILE = 44
"""Side that a place has in its tile: in the middle of the sizes that the network knows."""

_BACKGROUND = 117
"""Grey outside the photo, the mean of the network's input."""


def is_upright(detections: Sequence[Detection]) -> bool:
    """Return whether any detection shows that the photo is upright.

    Faces without a proposal show nothing: ``cnn-exact`` sees two thirds of the faces that lie on
    their side.
    """
    return _best_proposal_score(detections) >= _CLEAR_UPRIGHT_SCORE


def is_better_turned(turned: Sequence[Detection], stored: Sequence[Detection]) -> bool:
    """Return whether the faces of a photo that was turned are better than those found as stored.

    Args:
        turned: faces with enough confidence, after the turn.
        stored: faces before it.
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
            threads: threads per network run; None for all cores of this process.
        """
        self._proposals = ProposalNetwork(threads=threads)

    def find(
        self,
        pixels: Pixels,
        smallest_face: float,
        detections: Sequence[Detection],
        places: Sequence[Proposal] | None = None,
    ) -> int:
        """Return the quarter turns, counterclockwise, after which a photo seems to be upright.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: side in pixels of the smallest face to search for.
            detections: the faces found in the photo as it is.
            places: its likeliest places, best first; None to look for them.

        Returns:
            1, 2 or 3 if a face is clearer in that orientation, otherwise 0.
        """
        if places is None:
            places = list(islice(self._proposals.propose(pixels, smallest_face), MAX_TILES))
        level = first_level(pixels, _REDUCTION * smallest_face)
        scores = np.array([self._clearest(level.transpose(turn)) for turn in _TURNS])
        scores = np.maximum(scores, self._clearest_in_tiles(pixels, places[:MAX_TILES]))
        best = int(np.argmax(scores))
        if scores[best] < MIN_UPRIGHT_SCORE:
            return 0
        has_unproposed = any(face.proposal_score is None for face in detections)
        stored = places[0].score if has_unproposed and places else -np.inf
        is_clearer = scores[best] > max(stored, _best_proposal_score(detections))
        return best + 1 if is_clearer else 0

    def _clearest_in_tiles(self, pixels: Pixels, places: Sequence[Proposal]) -> NDArray[np.float64]:
        """Return the score of the place most like a face in each of the other orientations.

        All tiles are on one sheet, a row for each orientation.
        """
        scores = np.full(len(_TURNS), -np.inf)
        if not places:
            return scores
        sheet = Image.new("L", (_TILE * len(places), _TILE * len(_TURNS)))
        for column, place in enumerate(places):
            tile = _tile(pixels, place)
            for row, turn in enumerate(_TURNS):
                sheet.paste(tile.transpose(turn), (column * _TILE, row * _TILE))
        for found in self._proposals.propose_in(sheet, *sheet.size):
            if found.score < MIN_UPRIGHT_SCORE:
                break
            row = min(max(int(found.y // _TILE), 0), len(_TURNS) - 1)
            scores[row] = max(scores[row], found.score)
        return scores

    def _clearest(self, level: Image.Image) -> float:
        """Return the score of the place most like a face."""
        best = next(self._proposals.propose_in(level, *level.size), None)
        return -np.inf if best is None else best.score


def _tile(pixels: Pixels, place: Proposal) -> Image.Image:
    """Return a place and what is around it in greyscale, upright, at a fixed size."""
    extent = max(1, round(place.side * _TILE / _FACE_IN_TILE))
    left, top = round(place.x - extent / 2), round(place.y - extent / 2)
    rows = slice(max(0, top), max(0, top + extent))
    columns = slice(max(0, left), max(0, left + extent))
    tile = Image.new("L", (extent, extent), _BACKGROUND)
    inside = Image.fromarray(np.ascontiguousarray(pixels[rows, columns, GREEN]))
    tile.paste(inside, (max(0, -left), max(0, -top)))
    return tile.resize((_TILE, _TILE), Image.Resampling.BILINEAR)


def _best_proposal_score(detections: Iterable[Detection]) -> float:
    scores = (face.proposal_score for face in detections)
    return max((score for score in scores if score is not None), default=-np.inf)


def _best_score(detections: Iterable[Detection]) -> float:
    return max((face.score for face in detections), default=-np.inf)


def turned(pixels: Pixels, turns: int) -> Pixels:
    """Return a photo turned counterclockwise by quarter turns, C-contiguous."""
    return np.ascontiguousarray(np.rot90(pixels, turns))
