"""The default face detector: a small network proposes faces, dlib's CNN network verifies them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.detect.proposals import Proposal, ProposalNetwork
from facerec.engine.detect.suppression import suppress_overlaps
from facerec.engine.detect.verifier import Verifier
from facerec.engine.smallest_face import MIN_KEPT_SHARE

MIN_PROPOSAL_SCORE = 0.0
"""Proposals with at least this logit are verified. ``docs/detection.md`` shows what other values
find and cost."""

PROPOSAL_SCORE_PER_THRESHOLD = 2.0
"""How far the minimum proposal score falls for each point of a detection threshold below 0."""

MAX_WEAK_PROPOSALS = 4
"""Proposals below the minimum score that are verified while no face has been found."""

MAX_EXACT_PIXELS = 250_000
"""When the cascade finds no face in a photo of at most this many pixels, at the scale of the exact
detector, the exact detector searches it too. That takes less than 0.1 s."""

_SURE_SCORE = 0.9
"""Verifier score that ends the search for a better size: good frontal faces score about 1.05."""

_SIZE_STEPS = (0.8, 1.25)
"""Factors for the sizes tried next: most proposed sizes are within 15 % of the best, not all."""

_STRONG_PROPOSAL_SCORE = 2.0
"""Proposals with at least this logit are verified at other sizes whatever the first score."""

_PROMISING_SCORE = -1.0
"""Verifier score from which other sizes are tried: nearly all places without a face score less."""

_SAME_FACE_DISTANCE = 0.4
"""A proposal leads to a known face if its centre is closer than this share of the face's side"""

_SAME_FACE_OCTAVES = 1.2
"""and its side differs by less than this many octaves."""


class CascadeDetector:
    """Proposes faces with a small network and verifies them with dlib's MMOD network.

    Scores are those of the MMOD network, as in ``ExactDetector``, so both detectors share
    thresholds and confidence. Box sizes follow the proposals instead of the pyramid's steps. See
    ``docs/detection.md`` for recall and cost.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        """Load both networks.

        Args:
            threads: threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or damaged.
        """
        self._threads = threads
        self._proposals = ProposalNetwork(threads=threads)
        self._verifier = Verifier(threads=threads)

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, best score first (see ``Detector``).

        Faces that are smaller than asked for, but were verified anyway, come last.
        """
        faces, small_faces = self._verified(pixels, smallest_face, threshold)
        if not faces and self._is_cheap(pixels, smallest_face):
            faces = self._exact.detect(pixels, smallest_face, threshold=threshold)
        else:
            faces = self._without_overlaps(faces)
        apart = [
            small for small in small_faces if not any(_is_inside(small, face) for face in faces)
        ]
        return faces + self._without_overlaps(apart)

    def _without_overlaps(self, faces: Sequence[Detection]) -> list[Detection]:
        boxes = np.array([(face.left, face.top, face.width, face.height) for face in faces])
        scores = np.array([face.score for face in faces])
        geometry = self._verifier.geometry
        kept = suppress_overlaps(boxes.reshape(-1, 4), scores, geometry.overlap, geometry.cover)
        return [faces[number] for number in kept]

    def _verified(
        self, pixels: Pixels, smallest_face: float, threshold: float
    ) -> tuple[list[Detection], list[Detection]]:
        """Return the faces that the verifier confirms and those that are too small.

        Either may overlap.
        """
        faces: list[Detection] = []
        small_faces: list[Detection] = []
        weak_left = MAX_WEAK_PROPOSALS
        min_score = MIN_PROPOSAL_SCORE + PROPOSAL_SCORE_PER_THRESHOLD * min(threshold, 0.0)
        for proposal in self._proposals.propose(pixels, smallest_face):
            if proposal.score < min_score:
                if faces or not weak_left:
                    break
                weak_left -= 1
            if any(_is_same_face(face, proposal) for face in faces):
                continue
            face = self._verify(pixels, proposal)
            if face is not None and face.score > threshold:
                is_large_enough = face.width >= MIN_KEPT_SHARE * smallest_face
                found = faces if is_large_enough else small_faces
                found.append(replace(face, proposal_score=proposal.score))
        return faces, small_faces

    def _is_cheap(self, pixels: Pixels, smallest_face: float) -> bool:
        """Return whether the exact detector can search the photo in little time."""
        height, width = pixels.shape[:2]
        scale = self._verifier.geometry.window / smallest_face
        return bool(height * width * scale**2 <= MAX_EXACT_PIXELS)

    @cached_property
    def _exact(self) -> ExactDetector:
        return ExactDetector(threads=self._threads)

    def _verify(self, pixels: Pixels, proposal: Proposal) -> Detection | None:
        """Return the box with the best score near a proposal's position and size."""
        x, y, side = proposal.x, proposal.y, proposal.side
        best = self._verifier.score(pixels, x, y, side)
        if best is None or (
            proposal.score < _STRONG_PROPOSAL_SCORE and best.score < _PROMISING_SCORE
        ):
            return best
        for step in _SIZE_STEPS:
            if best.score >= _SURE_SCORE:
                break
            other = self._verifier.score(pixels, x, y, side * step)
            while other is not None and other.score > best.score:
                best = other
                if best.score >= _SURE_SCORE:
                    break
                center = best.left + best.width / 2, best.top + best.height / 2
                other = self._verifier.score(pixels, *center, best.width * step)
        return best


def _is_same_face(face: Detection, proposal: Proposal) -> bool:
    """Return whether verifying a proposal would lead to a face that is already known."""
    right = face.left + face.width / 2 - proposal.x
    below = face.top + face.height / 2 - proposal.y
    is_near = math.hypot(right, below) < _SAME_FACE_DISTANCE * face.width
    return is_near and abs(math.log2(face.width / proposal.side)) < _SAME_FACE_OCTAVES


def _is_inside(small: Detection, face: Detection) -> bool:
    """Return whether the centre of a small face lies in the box of another."""
    right = small.left + small.width / 2 - face.left
    below = small.top + small.height / 2 - face.top
    return 0 <= right <= face.width and 0 <= below <= face.height
