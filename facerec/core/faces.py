"""Values that describe a face, shared by the rooms that find faces and those that keep them."""

from __future__ import annotations

from dataclasses import dataclass

EMBEDDING_SIZE = 128
"""Values in one descriptor of dlib's face recognition network."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A face's place as ratios of the upright photo's width and height.

    Values may lie outside 0 to 1 where a face is cut off by the photo's edge.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """The share of the photo that the box covers."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Point:
    """A place as ratios of the upright photo's width and height."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What dlib's 5-point predictor finds: the corners of both eyes and the base of the nose.

    Left and right are as seen in the photo, as Rekognition's ``eyeLeft`` is.
    """

    left_eye_outer: Point
    left_eye_inner: Point
    right_eye_inner: Point
    right_eye_outer: Point
    nose: Point


@dataclass(frozen=True, slots=True)
class Pose:
    """How the head is turned, in degrees, as estimated from the landmarks; 0 is frontal."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be said about how well a face can be recognised.

    Attributes:
        size: the shorter side of the box in pixels of the photo as stored.
        sharpness: 0 (blurred) to 100 (crisp).
        brightness: 0 (black) to 100 (white).
        pose: how the head is turned.
    """

    size: float
    sharpness: float
    brightness: float
    pose: Pose


@dataclass(frozen=True, slots=True)
class CohortStats:
    """How near a face's most similar strangers are, by which distances from it are normalised.

    Attributes:
        mean: mean Euclidean distance of the face's nearest cohort vectors.
        deviation: standard deviation of these distances, shrunk halfway to its typical value.
        version: of the cohort; stats of different versions do not compare.
    """

    mean: float
    deviation: float
    version: str
