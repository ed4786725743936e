"""The attributes of faces that a request asks for, and placeholders for those that are unknown.

An emulator of Rekognition in a test must return all attributes, because programs read them without
checking that they exist. Placeholders contain no information: their confidence is 50 %, as for a
guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MEMBERS = {
    "AgeRange": "AGE_RANGE",
    "Beard": "BEARD",
    "Emotions": "EMOTIONS",
    "EyeDirection": "EYE_DIRECTION",
    "Eyeglasses": "EYEGLASSES",
    "EyesOpen": "EYES_OPEN",
    "FaceOccluded": "FACE_OCCLUDED",
    "Gender": "GENDER",
    "MouthOpen": "MOUTH_OPEN",
    "Mustache": "MUSTACHE",
    "Smile": "SMILE",
    "Sunglasses": "SUNGLASSES",
}
"""The members of a ``FaceDetail`` that are returned on request, each with its attribute."""

ALL_ATTRIBUTES = frozenset(MEMBERS.values())

ESTIMATED = frozenset({"AGE_RANGE", "GENDER"})
"""The attributes that networks can estimate."""

GUESS = 50.0
"""Confidence of a guess between two answers, in percent."""

_PLACEHOLDERS: dict[str, Any] = {
    "AgeRange": {"Low": 0, "High": 100},
    "Emotions": [{"Type": "UNKNOWN", "Confidence": 0.0}],
    "EyeDirection": {"Yaw": 0.0, "Pitch": 0.0, "Confidence": 0.0},
    "Gender": {"Value": "Female", "Confidence": GUESS},
}

_MEAN_FACE = {
    "mouthLeft": (-0.45, 1.4),
    "mouthRight": (0.45, 1.4),
    "mouthUp": (0.0, 1.3),
    "mouthDown": (0.0, 1.65),
    "noseLeft": (-0.2, 0.9),
    "noseRight": (0.2, 0.9),
    "leftEyeUp": (-0.5, -0.1),
    "leftEyeDown": (-0.5, 0.1),
    "rightEyeUp": (0.5, -0.1),
    "rightEyeDown": (0.5, 0.1),
    "leftPupil": (-0.5, 0.0),
    "rightPupil": (0.5, 0.0),
    "leftEyeBrowLeft": (-0.9, -0.3),
    "leftEyeBrowUp": (-0.6, -0.5),
    "leftEyeBrowRight": (-0.2, -0.4),
    "rightEyeBrowLeft": (0.2, -0.4),
    "rightEyeBrowUp": (0.6, -0.5),
    "rightEyeBrowRight": (0.9, -0.3),
    "upperJawlineLeft": (-1.0, 0.1),
    "midJawlineLeft": (-0.9, 1.4),
    "chinBottom": (0.0, 2.4),
    "midJawlineRight": (0.9, 1.4),
    "upperJawlineRight": (1.0, 0.1),
}
"""Approximate positions of landmarks in a face seen from the front. The origin is the point between
the eyes; x is in units of the distance of the eyes, y of the distance from the origin to the
nose."""


def wanted_attributes(asked: Iterable[str]) -> frozenset[str]:
    """Return the attributes that a request asks for, beyond those that are always returned."""
    asked = frozenset(asked)
    return ALL_ATTRIBUTES if "ALL" in asked else asked & ALL_ATTRIBUTES


def without_estimated(request: dict[str, Any]) -> dict[str, list[str]]:
    """Return the lists of attributes in a request, without attributes that need networks."""
    return {
        member: [each for each in request[member] if each not in ESTIMATED]
        for member in ("Attributes", "DetectionAttributes")
        if member in request
    }


def add_placeholders(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer whose faces have all landmarks, and the attributes that are asked for."""
    wanted = wanted_attributes(
        [*request.get("Attributes", ()), *request.get("DetectionAttributes", ())]
    )

    def complete(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return [complete(name, item) for item in value]
        if not isinstance(value, dict):
            return value
        full = {key: complete(key, inner) for key, inner in value.items()}
        if "Landmarks" in full:
            full["Landmarks"] = _all_landmarks(full["Landmarks"])
        if name in ("FaceDetail", "FaceDetails"):
            return _placeholders(wanted) | full
        # the faces of CompareFaces
        if (name, "Landmarks" in full) in (("Face", True), ("UnmatchedFaces", True)):
            return _placeholders(frozenset({"EMOTIONS", "SMILE"})) | full
        return full

    completed: dict[str, Any] = complete("", answer)
    return completed


def _placeholders(wanted: frozenset[str]) -> dict[str, Any]:
    unknown = {"Value": False, "Confidence": GUESS}
    return {
        member: _PLACEHOLDERS.get(member, unknown)
        for member, attribute in MEMBERS.items()
        if attribute in wanted
    }


def _all_landmarks(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the known landmarks, and positions for the others that fit the eyes and the nose."""
    points = {point["Type"]: (point["X"], point["Y"]) for point in known}
    (left, top), (right, bottom) = points["eyeLeft"], points["eyeRight"]
    middle, across = ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)
    down = points["nose"][0] - middle[0], points["nose"][1] - middle[1]
    return known + [
        {
            "Type": kind,
            "X": middle[0] + x * across[0] + y * down[0],
            "Y": middle[1] + x * across[1] + y * down[1],
        }
        for kind, (x, y) in _MEAN_FACE.items()
    ]
