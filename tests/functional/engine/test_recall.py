"""Faces that the default detector has to find, from the photos that are labelled by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.support.labelled import labelled_photos
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.engine.engine import open_engine
from tests.support.long import rarely_short
from tests.support.shared_data import shared_data

OPTIONS = FaceOptions(quality_filter=QualityFilter.NONE)


def found(use: str) -> tuple[Counter[str], Counter[str]]:
    """Return the faces found with default options and all faces, by difficulty."""
    engine = open_engine(threads=1)
    counts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for photo in labelled_photos():
        if photo.use != use:
            continue
        (result,) = engine.analyse([photo.path.read_bytes()], OPTIONS)
        assert isinstance(result, PhotoFaces)
        width, height = result.width, result.height
        counts += photo.score(
            [
                (
                    face.box.left * width,
                    face.box.top * height,
                    face.box.width * width,
                    face.box.height * height,
                )
                for face in result.faces
            ]
        )
        total += photo.total()
    return counts, total


@pytest.mark.parametrize("use", rarely_short(["judging", "training"], "judging"))
def test_every_frontal_face_of_40_pixels_and_more_is_found(use: str) -> None:
    shared_data("groups")
    counts, total = found(use)
    assert counts["frontal"] == total["frontal"] > 50
    if use == "judging":
        assert counts["small"] == total["small"]
        assert counts["false"] == 0
    else:
        # The photo of drawings; masks and tiny faces are found in part.
        assert counts["false"] <= 5
        assert counts["occluded"] >= 20
        assert counts["small"] >= 80
