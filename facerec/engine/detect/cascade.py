"""dlib's CNN face detector, run only where a small network saw something like a face."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.exact import CnnDetector
from facerec.engine.detect.proposals import Candidate, FirstLook
from facerec.engine.detect.suppression import suppress_overlaps
from facerec.engine.detect.verifier import SecondLook

LIKELY = 0.0
"""The first look's logit from which on the large network is asked; ``docs/detection.md`` has what
other values find and cost."""

DOUBT = 2.0
"""How much lower that is for each point of a threshold below 0."""

LAST_RESORT = 16
"""Candidates below it that are tried in a photo in which no face was found otherwise."""

CHEAP_PIXELS = 250_000
"""Photos of no more pixels, at the scale of the exact detector, are searched by it as well before
they are said to hold no face: that takes it less than a tenth of a second."""

_SURE = 0.9
"""A score that needs no comparison with other sizes: good frontal faces have about 1.05."""

_STEPS = (0.8, 1.25)
"""Sizes to try from there: the first look knows nearly all faces' sizes within 15 %, not all."""

_STRONG = 2.0
"""The first look's logit from which on other sizes are tried whatever the score."""

_PROMISING = -1.0
"""The score from which on they are: nearly all places without a face have less."""

_SMALLEST_SHARE = 0.65
"""Of the smallest face asked for: smaller ones were not meant. The network of a pyramid finds faces
from 0.75 of its window on, and sizes are known within 15 %."""

_SAME_FACE = 0.4
"""A candidate nearer to a face's middle than this share of its side would lead to the same face"""

_SAME_SIZE = 1.2
"""if its side is no more than these octaves larger or smaller."""


class FastDetector:
    """The MMOD network on crops around the candidates of a first look.

    Scores are those of the same network as in ``cnn_detector``, so that both detectors have the
    same thresholds and confidence; boxes are as large as the first look says instead of one of
    the pyramid's sizes. What it costs and finds is in ``docs/detection.md``.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        """Load both networks.

        Args:
            threads: how many threads one run may use; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or damaged.
        """
        self._threads = threads
        self._first_look = FirstLook(threads=threads)
        self._second_look = SecondLook(threads=threads)

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, the best score first (see ``Detector``)."""
        faces = self._judged(pixels, smallest_face, threshold)
        if not faces and self._is_cheap(pixels, smallest_face):
            return self._exact.detect(pixels, smallest_face, threshold=threshold)
        boxes = np.array([(face.left, face.top, face.width, face.height) for face in faces])
        scores = np.array([face.score for face in faces])
        geometry = self._second_look.geometry
        kept = suppress_overlaps(boxes.reshape(-1, 4), scores, geometry.overlap, geometry.cover)
        return [faces[number] for number in kept]

    def _judged(self, pixels: Pixels, smallest_face: float, threshold: float) -> list[Detection]:
        """Return what the large network says is a face, of the first look's candidates."""
        faces: list[Detection] = []
        tries_left = LAST_RESORT
        likely = LIKELY + DOUBT * min(threshold, 0.0)
        for candidate in self._first_look.candidates(pixels, smallest_face):
            if candidate.score < likely:
                if faces or not tries_left:
                    break
                tries_left -= 1
            if any(_shows(face, candidate) for face in faces):
                continue
            face = self._judge(pixels, candidate)
            is_large_enough = face is not None and face.width >= _SMALLEST_SHARE * smallest_face
            if face is not None and is_large_enough and face.score > threshold:
                faces.append(face)
        return faces

    def _is_cheap(self, pixels: Pixels, smallest_face: float) -> bool:
        """Return whether the exact detector costs little enough to ask it about the photo."""
        height, width = pixels.shape[:2]
        scale = self._second_look.geometry.window / smallest_face
        return bool(height * width * scale**2 <= CHEAP_PIXELS)

    @cached_property
    def _exact(self) -> CnnDetector:
        return CnnDetector(threads=self._threads)

    def _judge(self, pixels: Pixels, candidate: Candidate) -> Detection | None:
        """Return the best-scored box at a candidate's place, near its size."""
        x, y, side = candidate.x, candidate.y, candidate.side
        best = self._second_look.judge(pixels, x, y, side)
        if best is None or (candidate.score < _STRONG and best.score < _PROMISING):
            return best
        for step in _STEPS:
            if best.score >= _SURE:
                break
            found = self._second_look.judge(pixels, x, y, side * step)
            while found is not None and found.score > best.score:
                best = found
                if best.score >= _SURE:
                    break
                middle = best.left + best.width / 2, best.top + best.height / 2
                found = self._second_look.judge(pixels, *middle, best.width * step)
        return best


def _shows(face: Detection, candidate: Candidate) -> bool:
    """Return whether a candidate is only another view of a face that was found."""
    right = face.left + face.width / 2 - candidate.x
    below = face.top + face.height / 2 - candidate.y
    is_near = math.hypot(right, below) < _SAME_FACE * face.width
    return is_near and abs(math.log2(face.width / candidate.side)) < _SAME_SIZE
