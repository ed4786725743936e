"""The attributes of faces that a request asks for, and placeholders of those that nobody knows.

An emulator of Rekognition in a test must return all attributes, because programs read them without
checking that they exist. Placeholders contain no information: their confidence is that of a guess.
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
"""The members of a ``FaceDetail`` that are returned when asked for, and what asks for each."""

ALL_ATTRIBUTES = frozenset(MEMBERS.values())

ESTIMATED = frozenset({"AGE_RANGE", "GENDER"})
"""The attributes that networks can estimate."""

GUESS = 50.0
"""Confidence in percent of one of two answers that are equally likely."""

_PLACEHOLDERS: dict[str, Any] = {
    "AgeRange": {"Low": 0, "High": 100},
    "Emotions": [{"Type": "UNKNOWN", "Confidence": 0.0}],
    "EyeDirection": {"Yaw": 0.0, "Pitch": 0.0, "Confidence": 0.0},
    "Gender": {"Value": "Female", "Confidence": GUESS},
}


def wanted_attributes(asked: Iterable[str]) -> frozenset[str]:
    """Return the attributes that a request asks for, beyond those that are always returned."""
    asked = frozenset(asked)
    return ALL_ATTRIBUTES if "ALL" in asked else asked & ALL_ATTRIBUTES


def without_estimated(request: dict[str, Any]) -> dict[str, list[str]]:
    """Return the attributes of a request that need no networks."""
    return {
        member: [each for each in request[member] if each not in ESTIMATED]
        for member in ("Attributes", "DetectionAttributes")
        if member in request
    }


def add_placeholders(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer whose faces have all attributes that the request asks for."""
    wanted = wanted_attributes(
        [*request.get("Attributes", ()), *request.get("DetectionAttributes", ())]
    )

    def complete(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return [complete(name, item) for item in value]
        if not isinstance(value, dict):
            return value
        full = {key: complete(key, inner) for key, inner in value.items()}
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
