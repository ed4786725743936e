"""The photos that the end-to-end test indexes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from pathlib import Path

from tests.e2e.machine import ROOT
from tests.support.shared_data import SHARED_DATA

LABELLED = int(os.environ.get("FACEREC_E2E_PHOTOS", "500"))
"""Number of labelled photos to index."""

LINES_OF_EXAMPLES = 400
"""Lines of the manifest of example photos, which repeats them with different ids."""


@dataclass(frozen=True)
class SomePhotos:
    """Photos to index, and another one of a person in one of them.

    Attributes:
        lines: The photos, one per line of the manifest.
        probe: The other photo.
        known: The indexed photo of the same person.
    """

    lines: list[Path]
    probe: Path
    known: Path


def some_photos() -> SomePhotos:
    """Return photos of Labeled Faces in the Wild where they are present, else the examples."""
    labelled = sorted((SHARED_DATA / "lfw" / "images").rglob("*.jpg"))
    if labelled:
        # Each person has a folder; the probe is a second photo of the first who has two.
        known, probe = next(pair for pair in pairwise(labelled) if pair[0].parent == pair[1].parent)
        others = [photo for photo in labelled if photo != probe]
        return SomePhotos(others[:LABELLED], probe, known)
    photos = ROOT / "examples" / "photos"
    lines = list(islice(cycle(sorted(photos.glob("*.jpg"))), LINES_OF_EXAMPLES))
    return SomePhotos(lines, ROOT / "examples" / "probe.jpg", photos / "barack-obama-1.jpg")
