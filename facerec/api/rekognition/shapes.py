"""Converts results of the gallery to the shapes of Rekognition's service model.

Ratios and degrees are as in facerec. Confidence and similarity, 0 to 1 in facerec, are in percent.
``Distance``, ``ModelId`` and ``Decision`` are facerec's own: SDKs drop keys that they do not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

from facerec.api.rekognition.attributes import MEMBERS
from facerec.core.attributes import FaceAttributes
from facerec.core.faces import BoundingBox, Landmarks, Point, Quality
from facerec.core.photos import DetectedFace
from facerec.core.records import FaceRecord, User
from facerec.gallery.collection_results import ListedFace
from facerec.gallery.people.associations import status_of
from facerec.gallery.people.person_search import UserMatch
from facerec.gallery.search.search_results import Match

Shape: TypeAlias = dict[str, Any]


def percent(share: float) -> float:
    """Return a ratio as a percentage."""
    return 100 * share


def bounding_box(box: BoundingBox) -> Shape:
    """Return the ``BoundingBox`` of a box."""
    return {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top}


def face_detail(face: DetectedFace | FaceRecord) -> Shape:
    """Return a ``FaceDetail`` with Rekognition's default attributes of a face."""
    return {
        "BoundingBox": bounding_box(face.box),
        "Landmarks": _landmarks(face.landmarks),
        "Pose": _pose(face.quality),
        "Quality": _quality(face.quality),
        "Confidence": percent(face.confidence),
    }


def attributes(estimated: FaceAttributes | None, wanted: AbstractSet[str]) -> Shape:
    """Return the members of a ``FaceDetail`` that a request asks for beyond the default ones.

    The result is empty if nothing was estimated.
    """
    if estimated is None:
        return {}
    ages, gender = estimated.age_range, estimated.gender
    known = {
        "AgeRange": {"Low": ages.low, "High": ages.high},
        "Gender": {
            "Value": gender.value.capitalize(),
            "Confidence": percent(estimated.gender_confidence),
        },
    }
    return {name: shape for name, shape in known.items() if MEMBERS[name] in wanted}


def version_number(model_version: str) -> str:
    """Return a model version in the form of Rekognition's: digits and dots.

    Equal versions have equal numbers; different ones collide with a probability of 10^-9.
    """
    digest = hashlib.sha256(model_version.encode()).hexdigest()
    return f"1.{int(digest, 16) % 10**9}"


def stored_face(record: FaceRecord, user_id: str | None) -> Shape:
    """Return the ``Face`` of a stored face."""
    face = {
        "FaceId": record.face_id,
        "BoundingBox": bounding_box(record.box),
        "ImageId": record.image_id,
        "Confidence": percent(record.confidence),
        "IndexFacesModelVersion": version_number(record.model_version),
    }
    if record.external_image_id is not None:
        face["ExternalImageId"] = record.external_image_id
    if user_id is not None:
        face["UserId"] = user_id
    return face


def listed_face(face: ListedFace) -> Shape:
    """Return the ``Face`` of a listing."""
    return stored_face(face.record, face.user_id)


def face_match(match: Match) -> Shape:
    """Return the ``FaceMatch`` of a match."""
    return {
        "Similarity": percent(match.similarity),
        "Distance": match.distance,
        "Face": stored_face(match.face, match.user_id),
    }


def user(user: User) -> Shape:
    """Return the ``User`` or ``MatchedUser`` of a person."""
    return {"UserId": user.user_id, "UserStatus": status_of(user).value}


def user_match(match: UserMatch) -> Shape:
    """Return the ``UserMatch`` of a person who resembles a probe."""
    return {
        "Similarity": percent(match.similarity),
        "Distance": match.distance,
        "User": user(match.user),
    }


def _landmarks(landmarks: Landmarks) -> list[Shape]:
    """Return the landmarks that follow from the corners of the eyes and the base of the nose.

    The position of an eye is the middle of its corners. Eyelids, pupils and the mouth are unknown.
    """
    points = {
        "eyeLeft": _middle(landmarks.left_eye_outer, landmarks.left_eye_inner),
        "eyeRight": _middle(landmarks.right_eye_inner, landmarks.right_eye_outer),
        "nose": landmarks.nose,
        "leftEyeLeft": landmarks.left_eye_outer,
        "leftEyeRight": landmarks.left_eye_inner,
        "rightEyeLeft": landmarks.right_eye_inner,
        "rightEyeRight": landmarks.right_eye_outer,
    }
    return [{"Type": kind, "X": point.x, "Y": point.y} for kind, point in points.items()]


def _middle(one: Point, other: Point) -> Point:
    return Point((one.x + other.x) / 2, (one.y + other.y) / 2)


def _pose(quality: Quality) -> Shape:
    pose = quality.pose
    return {"Roll": pose.roll, "Yaw": pose.yaw, "Pitch": pose.pitch}


def _quality(quality: Quality) -> Shape:
    return {"Brightness": quality.brightness, "Sharpness": quality.sharpness}
