"""Arguments of the wrong type are invalid input, like those that are out of range."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo

ANN = fake_photo(fake_face("ann"))

WRONG: dict[str, Callable[[Any], object]] = {
    "a collection id": lambda gallery: gallery.describe_collection(1),
    "a new collection id": lambda gallery: gallery.create_collection(None),
    "an external image id": lambda gallery: gallery.index("staff", ANN, external_image_id=1),
    "a user id": lambda gallery: gallery.create_user("staff", 1),
    "a display name": lambda gallery: gallery.create_user("staff", "ann", name=1),
    "a face id": lambda gallery: gallery.search_face("staff", 1),
    "face ids": lambda gallery: gallery.delete_faces("staff", [1]),
    "faces to associate": lambda gallery: gallery.associate_faces("staff", "ann", [None]),
    "a person of a correction": lambda gallery: gallery.not_same("staff", "x", 1),
    "a photo to erase": lambda gallery: gallery.erase("staff", SubjectKind.PHOTO, 1),
    "an external id to erase": lambda gallery: gallery.erase("staff", SubjectKind.EXTERNAL_ID, 1),
    "a person to erase": lambda gallery: gallery.erase("staff", SubjectKind.USER, 1),
    "a photo of None": lambda gallery: gallery.search("staff", None),
    "a photo of a number": lambda gallery: gallery.index("staff", 1),
    "an open file": lambda gallery: gallery.detect(BytesIO(ANN)),
    "a threshold": lambda gallery: gallery.search("staff", ANN, threshold="0.8"),
    "a threshold of True": lambda gallery: gallery.search("staff", ANN, threshold=True),
    "a target rate": lambda gallery: gallery.search("staff", ANN, target_fmr="0.1"),
    "a limit": lambda gallery: gallery.search("staff", ANN, limit=1.5),
    "a limit of True": lambda gallery: gallery.list_faces("staff", limit=True),
    "options as a dictionary": lambda gallery: gallery.search(
        "staff", ANN, options={"max_faces": 1}
    ),
}
"""Calls with an argument of a wrong type, by what it stands for."""

WRONG_OPTIONS: list[dict[str, Any]] = [
    {"max_faces": 1.5},
    {"max_faces": "1"},
    {"max_faces": True},
    {"min_confidence": "high"},
    {"min_confidence": True},
    {"quality_filter": 1},
    {"smallest_face": "a"},
    {"smallest_face": 30.5},
    {"detector": 1},
    {"rotate": "no"},
    {"max_pixels": "many"},
]


@pytest.mark.parametrize("call", WRONG)
def test_an_argument_of_a_wrong_type_is_invalid(gallery: Gallery, call: str) -> None:
    gallery.create_user("staff", "bob")
    with pytest.raises(InvalidInputError):
        WRONG[call](gallery)


@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
def test_an_option_of_a_wrong_type_is_invalid(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        FaceOptions(**options)


def test_a_whole_number_may_be_a_float() -> None:
    assert FaceOptions(max_faces=20.0, min_confidence=1, smallest_face=40.0).max_faces == 20  # type: ignore[arg-type]


def test_an_empty_path_is_not_the_working_folder(gallery: Gallery) -> None:
    for call in (gallery.detect, lambda photo: gallery.search("staff", photo)):
        with pytest.raises(InvalidInputError, match="address of the photo is empty"):
            call("")
