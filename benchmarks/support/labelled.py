"""Photos with faces labelled by hand, and how detections are scored against them.

``benchmarks/labelled_faces.json`` holds boxes only. They were drawn by the detectors compared here
and by CenterFace, and then checked by eye in each photo: boxes on anything but a face were removed,
and faces whose eyes cannot be made out are in ``ignored``, where detections are neither right nor
wrong. ``use`` says which photos the proposal network was trained on (``training``); figures for
recall on new photos come from the others (``judging``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.results import DATA

LABELS = Path(__file__).resolve().parents[1] / "labelled_faces.json"

SMALL = 40
"""Frontal faces below this side, in pixels, are counted as small."""

DIFFICULTIES = ("frontal", "small", "profile", "occluded", "blurred")

_SAME_FACE = 0.3
"""Minimum intersection over union of a detection and the face it stands for."""

_SAME_IGNORED = 0.15
"""Minimum intersection over union of a detection and an ignored face."""

Box = Sequence[float]


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo whose faces are known, as boxes of left, top, width and height in pixels."""

    path: Path
    use: str
    faces: tuple[tuple[Box, str], ...]
    ignored: tuple[Box, ...]

    def score(self, detections: Sequence[Box]) -> Counter[str]:
        """Return the faces found by difficulty, and the false detections as ``false``."""
        found: set[int] = set()
        counts: Counter[str] = Counter()
        for detection in detections:
            shares = [_overlap(detection, box) for box, _ in self.faces]
            best = max(range(len(shares)), key=shares.__getitem__, default=None)
            if best is not None and shares[best] > _SAME_FACE:
                found.add(best)
            elif all(_overlap(detection, box) <= _SAME_IGNORED for box in self.ignored):
                counts["false"] += 1
        counts.update(self.faces[number][1] for number in found)
        return counts

    def total(self) -> Counter[str]:
        """Return the number of labelled faces by difficulty."""
        return Counter(difficulty for _, difficulty in self.faces)


def labelled_photos(folder: str = "") -> list[LabelledPhoto]:
    """Return the labelled photos below a folder of the data; none if the data is missing."""
    photos = []
    for document in json.loads(LABELS.read_text())["photos"]:
        faces = tuple(
            (box, "small" if difficulty == "frontal" and box[2] < SMALL else difficulty)
            for difficulty, boxes in document["faces"].items()
            for box in boxes
        )
        path = DATA / document["photo"]
        if document["photo"].startswith(folder) and path.is_file():
            photos.append(LabelledPhoto(path, document["use"], faces, tuple(document["ignored"])))
    return photos


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
