"""Measures the errors of age and gender on labelled photos: ``python -m benchmarks.attributes``.

Reads FairFace's photos and the London portraits in ``../shared/data``. ``docs/attributes.md`` has
the results.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facerec.core.attributes import FaceAttributes
from facerec.core.options import FaceOptions, QualityFilter
from facerec.factory import open_inspector

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
OPTIONS = FaceOptions(max_faces=1, min_confidence=0.5, quality_filter=QualityFilter.NONE)


@dataclass(frozen=True)
class Estimate:
    """What is known about a person in a photo, and what was estimated."""

    low: float
    high: float
    gender: str
    group: str
    estimated: FaceAttributes

    @property
    def is_right(self) -> bool:
        """Whether the gender is right."""
        return self.estimated.gender.value.lower() == self.gender.lower()

    @property
    def error(self) -> float:
        """Years between the middle of the range and the labelled decade."""
        middle = (self.estimated.age_range.low + self.estimated.age_range.high) / 2
        return max(self.low - middle, middle - self.high, 0.0)

    @property
    def is_in_range(self) -> bool:
        """Whether the range overlaps the labelled decade."""
        ages = self.estimated.age_range
        return ages.low <= self.high and ages.high >= self.low


def fairface() -> Iterable[Estimate]:
    """Yield the estimates of FairFace's photos."""
    inspector = open_inspector()
    for row in csv.DictReader((DATA / "fairface" / "labels.csv").open()):
        low, _, high = row["age"].replace("more than 70", "70-100").partition("-")
        photo = DATA / "fairface" / "images" / row["file"]
        for face in inspector.detect(photo, options=OPTIONS, attributes=True).faces:
            if face.attributes:
                yield Estimate(int(low), int(high) + 1, row["gender"], row["race"], face.attributes)


def london() -> Iterable[Estimate]:
    """Yield the estimates of the portraits."""
    inspector = open_inspector()
    people = {row["face_id"]: row for row in csv.DictReader((DATA / "london" / "info.csv").open())}
    for photo in sorted((DATA / "london").glob("*.jpg")):
        person = people[photo.name[:3]]
        for face in inspector.detect(photo, options=OPTIONS, attributes=True).faces:
            if face.attributes and person["face_age"].replace(".", "").isdigit():
                age = float(person["face_age"])
                yield Estimate(age, age, person["face_gender"], person["face_eth"], face.attributes)


def show(name: str, estimates: list[Estimate]) -> None:
    """Print a row of the table."""
    count = len(estimates)
    right = sum(each.is_right for each in estimates) / count
    error = sum(each.error for each in estimates) / count
    in_range = sum(each.is_in_range for each in estimates) / count
    print(f"| {name} | {count} | {right:.0%} | {error:.1f} | {in_range:.0%} |")


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    portraits, photos = list(london()), list(fairface())
    show("portraits with an age", portraits)
    show("FairFace", photos)
    for low in sorted({each.low for each in photos}):
        show(f"from {low:.0f}", [each for each in photos if each.low == low])
    for gender in ("Female", "Male"):
        show(gender, [each for each in photos if each.gender == gender])
    for group in sorted({each.group for each in photos}):
        show(group, [each for each in photos if each.group == group])
    sure = [each for each in photos if each.estimated.gender_confidence >= 0.9]
    show("gender confidence from 0.9", sure)


if __name__ == "__main__":
    main()
