"""Orientation of a photo, judged by the faces that the proposal network finds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.proposals import ProposalNetwork, first_level

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
"""Quarter turns, counterclockwise."""

MIN_UPRIGHT_SCORE = 4.0
"""Proposal score from which a confirmed face counts as upright. On LFW, 97 % of the upright photos
reach it, 2 % of those that lie on their side and 16 % of those upside down; the verifier confirms
5 % of the latter (``docs/detection.md``)."""

_REDUCTION = 2
"""The other orientations are judged at half the size, for a quarter of the cost: one face of twice
the smallest size is enough."""


def is_upright(detections: Iterable[Detection]) -> bool:
    """Return whether any detection shows that the photo is upright.

    Detectors without proposals find hardly any face that lies on its side, so each of their
    detections does.
    """
    return any(
        face.proposal_score is None or face.proposal_score >= MIN_UPRIGHT_SCORE
        for face in detections
    )


class OrientationFinder:
    """Finds the orientation in which a photo has the clearest face."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the proposal network.

        Args:
            threads: threads per network run; None for all cores of this process.
        """
        self._proposals = ProposalNetwork(threads=threads)

    def find(self, pixels: Pixels, smallest_face: float) -> int:
        """Return the quarter turns, counterclockwise, after which a photo seems to be upright.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: side in pixels of the smallest face to search for.

        Returns:
            1, 2 or 3 if a face is much clearer in that orientation, otherwise 0.
        """
        level = first_level(pixels, _REDUCTION * smallest_face)
        scores = [self._best_score(level.transpose(turn)) for turn in _TURNS]
        best = int(np.argmax(scores))
        return best + 1 if scores[best] >= MIN_UPRIGHT_SCORE else 0

    def _best_score(self, level: Image.Image) -> float:
        best = next(self._proposals.propose_in(level, *level.size), None)
        return -np.inf if best is None else best.score


def turned(pixels: Pixels, turns: int) -> Pixels:
    """Return a photo turned counterclockwise by quarter turns, C-contiguous."""
    return np.ascontiguousarray(np.rot90(pixels, turns))
