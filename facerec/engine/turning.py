"""Converts faces found in a turned photo to faces of the stored photo."""

from __future__ import annotations

from dataclasses import replace

from facerec.core.faces import BoundingBox, Landmarks, Point
from facerec.core.photos import DetectedFace

_HALF_CIRCLE = 180


def turned_back(face: DetectedFace, turns: int) -> DetectedFace:
    """Convert a face found in a photo turned counterclockwise to the stored photo's coordinates.

    Args:
        face: The face in ratios of the turned photo.
        turns: Number of quarter turns.
    """
    if not turns:
        return face
    box = face.box
    for _ in range(turns):
        box = BoundingBox(1 - box.top - box.height, box.left, box.height, box.width)
    pose = face.quality.pose
    # A photo turned counterclockwise shows a face upright that leant clockwise before.
    roll = (pose.roll + 90 * turns + _HALF_CIRCLE) % (2 * _HALF_CIRCLE) - _HALF_CIRCLE
    return replace(
        face,
        box=box,
        landmarks=_turned_landmarks(face.landmarks, turns),
        quality=replace(face.quality, pose=replace(pose, roll=roll)),
    )


def _turned_landmarks(landmarks: Landmarks, turns: int) -> Landmarks:
    return Landmarks(
        left_eye_outer=_turned_point(landmarks.left_eye_outer, turns),
        left_eye_inner=_turned_point(landmarks.left_eye_inner, turns),
        right_eye_inner=_turned_point(landmarks.right_eye_inner, turns),
        right_eye_outer=_turned_point(landmarks.right_eye_outer, turns),
        nose=_turned_point(landmarks.nose, turns),
    )


def _turned_point(point: Point, turns: int) -> Point:
    for _ in range(turns):
        point = Point(1 - point.y, point.x)
    return point
