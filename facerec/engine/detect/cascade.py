"""The default face detector: a small network proposes faces, dlib's CNN network verifies them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice, tee

import numpy as np

from facerec.engine.detect.closer_look import score_again
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.detect.proposals import Proposal, ProposalNetwork
from facerec.engine.detect.suppression import suppress_overlaps
from facerec.engine.detect.verifier import Verifier
from facerec.engine.smallest_face import MIN_KEPT_SHARE

MIN_PROPOSAL_SCORE = 0.0
"""Minimum logit of a proposal that is verified. ``docs/detection.md`` shows what other values find
and cost."""

PROPOSAL_SCORE_PER_THRESHOLD = 2.0
"""Decrease of the minimum proposal score for each point of a detection threshold below 0."""

MAX_WEAK_PROPOSALS = 4
"""Maximum number of proposals below the minimum score to verify in a small photo while it has no
face."""

MAX_WEAK_PROPOSALS_IF_LARGE = 1
"""The same for a large photo, which has more such proposals. In the labelled and large photos of
``docs/detection.md``, only the first of them ever leads to a face."""

CENTRAL_SHARE = 1.0
"""Side of a face tried at the centre of a photo without a face so far, as a share of its shorter
side: the proposal network misses an eighth of the faces that fill a photo, since it does not see
their surroundings."""

MAX_EXACT_PIXELS = 250_000
"""Maximum number of pixels, at the scale of the exact detector, of a photo that this detector
searches too if the cascade finds no face. That takes less than 0.1 s."""

_SURE_SCORE = 0.9
"""Verifier score that ends the search for a better size: good frontal faces score about 1.05. A
face with this score also absorbs smaller proposals inside it."""

_CLEAR_SCORE = 0.5
"""Score from which a face ends the search in unlikely places. Below it, the photo may show a better
face."""

_DOUBTFUL_SCORES = (-0.5, 0.5)
"""Scores between which a face is scored again at its best position, so that the score depends less
on the position of the proposal."""

_SIZE_STEPS = (0.8, 1.25)
"""Factors for the sizes to try next: most proposed sizes, but not all, are within 15 % of the
best."""

_STRONG_PROPOSAL_SCORE = 2.0
"""Minimum logit of a proposal that is verified at other sizes, regardless of its first score."""

_SMALL_SHARE = 0.25
"""Side of a place, as a share of the photo's shorter side, up to which the proposal network
judges it again before it is verified: larger ones lack the surroundings that it needs."""

_PROMISING_SCORE = -1.2
"""Verifier score from which other sizes are tried: nearly all places without a face score less."""

_MIN_RISE = 0.25
"""Minimum rise of a score, below the promising one, for a further step in the same direction to be
tried. Scores far from any face rise too, but slowly."""

_SAME_FACE_DISTANCE = 0.4
"""Maximum distance between the centres of a proposal and of the known face that it leads to, as a
share of the face's side."""

_SAME_FACE_OCTAVES = 1.2
"""Maximum difference in size of a proposal and the known face that it leads to, in octaves."""


@dataclass(slots=True)
class _Found:
    """Faces that have been confirmed in a photo.

    Attributes:
        threshold: Minimum score of a face, exclusive.
        min_side: Minimum side of a face that is large enough, in pixels.
        faces: Faces that are large enough.
        small_faces: Faces that are too small.
    """

    threshold: float
    min_side: float
    faces: list[Detection] = field(default_factory=list)
    small_faces: list[Detection] = field(default_factory=list)

    def add(self, face: Detection) -> None:
        """Keep a face if its score is good enough."""
        if face.score > self.threshold:
            is_large_enough = face.width >= self.min_side
            (self.faces if is_large_enough else self.small_faces).append(face)


class CascadeDetector:
    """Proposes faces with a small network and verifies them with dlib's MMOD network.

    Scores are those of the MMOD network, as in ``ExactDetector``, so both detectors share
    thresholds and confidence. Box sizes follow the proposals instead of the pyramid's steps. See
    ``docs/detection.md`` for recall and cost.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        """Load both networks.

        Args:
            threads: Number of threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        self._threads = threads
        self._proposals = ProposalNetwork(threads=threads)
        self._verifier = Verifier(threads=threads)

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, best score first (see ``Detector``).

        Verified faces that are smaller than ``smallest_face`` come last.
        """
        return self.search(pixels, smallest_face, threshold=threshold)[0]

    def search(
        self,
        pixels: Pixels,
        smallest_face: float,
        *,
        threshold: float = 0.0,
        only_proposed: bool = False,
    ) -> tuple[list[Detection], Iterator[Proposal]]:
        """Return the faces, and the places that may hold one (see ``ProposingDetector``)."""
        places, all_places = tee(self._proposals.propose(pixels, smallest_face))
        found = self._verified(pixels, smallest_face, threshold, places)
        faces = found.faces
        if not (faces or only_proposed) and self._is_cheap(pixels, smallest_face):
            faces = self._exact.detect(pixels, smallest_face, threshold=threshold)
        else:
            faces = self._without_overlaps(faces)
        apart = [
            small
            for small in found.small_faces
            if not any(_is_inside(small, face) for face in faces)
        ]
        return faces + self._without_overlaps(apart), all_places

    def _without_overlaps(self, faces: Sequence[Detection]) -> list[Detection]:
        boxes = np.array([(face.left, face.top, face.width, face.height) for face in faces])
        scores = np.array([face.score for face in faces])
        geometry = self._verifier.geometry
        kept = suppress_overlaps(boxes.reshape(-1, 4), scores, geometry.overlap, geometry.cover)
        return [faces[number] for number in kept]

    def _verified(
        self, pixels: Pixels, smallest_face: float, threshold: float, places: Iterator[Proposal]
    ) -> _Found:
        """Return the faces that the verifier confirms, which may overlap."""
        found = _Found(threshold, MIN_KEPT_SHARE * smallest_face)
        min_score = MIN_PROPOSAL_SCORE + PROPOSAL_SCORE_PER_THRESHOLD * min(threshold, 0.0)
        weak: list[Proposal] = []
        for proposal in places:
            if proposal.score < min_score:
                is_cheap = self._is_cheap(pixels, smallest_face)
                count = MAX_WEAK_PROPOSALS if is_cheap else MAX_WEAK_PROPOSALS_IF_LARGE
                weak = list(islice(chain([proposal], places), count))
                break
            self._verify_new(pixels, proposal, found, min_score)
        for proposal in [*_central(pixels, smallest_face), *weak]:
            if any(face.score >= _CLEAR_SCORE for face in found.faces):
                break
            self._verify_new(pixels, proposal, found, min_score)
        return found

    def _verify_new(
        self, pixels: Pixels, proposal: Proposal, found: _Found, min_score: float
    ) -> None:
        """Verify a proposal, unless it probably leads to a known face or to none."""
        if any(_is_same_face(face, proposal) for face in found.faces):
            return
        # This takes a fifth of the time of a verification, and rejects three of five such places.
        is_doubtful = _is_doubtful(proposal, pixels)
        if is_doubtful and score_again(self._proposals, pixels, proposal) < min_score:
            return
        face = self._verify(pixels, proposal)
        if face is not None:
            found.add(replace(face, proposal_score=proposal.score))

    def _is_cheap(self, pixels: Pixels, smallest_face: float) -> bool:
        """Return whether the exact detector can search the photo in little time."""
        height, width = pixels.shape[:2]
        scale = self._verifier.geometry.window / smallest_face
        return bool(height * width * scale**2 <= MAX_EXACT_PIXELS)

    @cached_property
    def _exact(self) -> ExactDetector:
        return ExactDetector(threads=self._threads)

    def _verify(self, pixels: Pixels, proposal: Proposal) -> Detection | None:
        """Return the box with the best score near a proposal's position and size.

        The result is None if nearly all of the crop there lies outside the photo.
        """
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
                rise, best = other.score - best.score, other
                if best.score >= _SURE_SCORE or (
                    best.score < _PROMISING_SCORE and rise < _MIN_RISE
                ):
                    break
                other = self._verifier.score(pixels, *_center(best), best.width * step)
        lowest, highest = _DOUBTFUL_SCORES
        if lowest < best.score < highest:
            again = self._verifier.score(pixels, *_center(best), best.width)
            if again is not None and again.score > best.score:
                return again
        return best


def _center(face: Detection) -> tuple[float, float]:
    return face.left + face.width / 2, face.top + face.height / 2


def _is_doubtful(proposal: Proposal, pixels: Pixels) -> bool:
    """Return whether the proposal network should judge a place again."""
    is_small = proposal.side < _SMALL_SHARE * min(pixels.shape[:2])
    return is_small and proposal.score < _STRONG_PROPOSAL_SCORE


def _central(pixels: Pixels, smallest_face: float) -> list[Proposal]:
    """Return a proposal for a face that fills the photo; an empty list if it would be too small."""
    height, width = pixels.shape[:2]
    side = CENTRAL_SHARE * min(height, width)
    if side < smallest_face:
        return []
    return [Proposal(width / 2, height / 2, side, MIN_PROPOSAL_SCORE)]


def _is_same_face(face: Detection, proposal: Proposal) -> bool:
    """Return whether verifying a proposal would lead to a face that is already known.

    A small proposal inside a clear face is a part of that face.
    """
    right = face.left + face.width / 2 - proposal.x
    below = face.top + face.height / 2 - proposal.y
    if face.score >= _SURE_SCORE and proposal.side < face.width:
        return max(abs(right), abs(below)) < face.width / 2
    is_near = math.hypot(right, below) < _SAME_FACE_DISTANCE * face.width
    return is_near and abs(math.log2(face.width / proposal.side)) < _SAME_FACE_OCTAVES


def _is_inside(small: Detection, face: Detection) -> bool:
    """Return whether the centre of a small face lies in the box of another."""
    right = small.left + small.width / 2 - face.left
    below = small.top + small.height / 2 - face.top
    return 0 <= right <= face.width and 0 <= below <= face.height
