"""Attributes of a person that are estimated from a face, only on request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AgeRange:
    """An estimate of a person's age, as a range of years."""

    low: int
    high: int


class Gender(StrEnum):
    """The gender that a network assigns to a face, which is not a person's gender identity."""

    FEMALE = "FEMALE"
    MALE = "MALE"


@dataclass(frozen=True, slots=True)
class FaceAttributes:
    """Attributes of a person estimated from a face, only on request.

    Attributes:
        age_range: Estimated age.
        gender: Estimated gender.
        gender_confidence: Calibrated probability that the gender is correct, 0.5 to 1.
    """

    age_range: AgeRange
    gender: Gender
    gender_confidence: float
