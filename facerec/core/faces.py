"""Values that describe a face, for the packages that find faces and those that store them."""

from __future__ import annotations

from dataclasses import dataclass

EMBEDDING_SIZE = 128
"""Length of an embedding of dlib's face recognition network."""

METRIC = "euclidean"
"""Metric of embeddings, as Pinecone and Amazon S3 Vectors name it."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """Position and size of a face, as ratios of the upright photo's width and height.

    Values may lie outside 0 to 1 if the face is cut off by the edge of the photo.
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
    """A position as ratios of the upright photo's width and height."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The points of dlib's 5-point predictor: the corners of both eyes and the base of the nose.

    Left and right are as seen in the photo, as in Rekognition's ``eyeLeft``.
    """

    left_eye_outer: Point
    left_eye_inner: Point
    right_eye_inner: Point
    right_eye_outer: Point
    nose: Point


@dataclass(frozen=True, slots=True)
class Pose:
    """Rotation of the head in degrees; 0 is frontal.

    Roll is positive if the head leans clockwise as seen in the photo, yaw if it turns to the right
    of the photo, pitch if it looks up.
    """

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of how well a face can be recognised.

    Attributes:
        size: The shorter side of the box in pixels of the photo as stored.
        sharpness: 0 (blurred or grainy) to 100 (crisp).
        brightness: 0 (black) to 100 (white).
        pose: Rotation of the head.
    """

    size: float
    sharpness: float
    brightness: float
    pose: Pose


@dataclass(frozen=True, slots=True)
class CohortStats:
    """Statistics of the distances from a face to its most similar strangers.

    They are used to normalise distances from the face.

    Attributes:
        mean: Mean Euclidean distance of the face from its nearest cohort vectors.
        deviation: Weighted mean of the standard deviation of these distances and a typical standard
            deviation.
        version: Version of the cohort; statistics of different versions cannot be compared.
    """

    mean: float
    deviation: float
    version: str
