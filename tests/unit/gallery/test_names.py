from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.derived_names import (
    derived_external_image_id,
    is_derived,
    read_external_image_id,
    readable_name,
)
from facerec.core.names import checked_collection_id, checked_external_image_id
from facerec.core.options import DETECTOR_NAMES, FaceOptions
from facerec.core.schemas import violation
from facerec.engine.detect import detectors
from facerec.errors import InvalidInputError
from facerec.gallery.gallery import Gallery

KINDS = pytest.mark.parametrize("check", [checked_collection_id, checked_external_image_id])
Check = Callable[[str], str]


@KINDS
@pytest.mark.parametrize("name", ["a", "staff_2.new-York", "0", "x" * 255, "..", "-"])
def test_letters_digits_dots_dashes_and_underscores_are_allowed(check: Check, name: str) -> None:
    assert check(name) == name


@KINDS
@pytest.mark.parametrize(
    "name", ["", "x" * 256, "a b", "a/b", "é", "staff\n", "\n", "a\0", "٣", "a;b", "'"]
)
def test_other_names_are_refused_in_one_line(check: Check, name: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        check(name)
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 300


def test_only_external_image_ids_may_have_colons() -> None:
    assert checked_external_image_id("ann:1") == "ann:1"
    with pytest.raises(InvalidInputError):
        checked_collection_id("ann:1")


PATHS = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=60).filter(
    lambda path: not path.startswith("/")
)


@given(PATHS, PATHS, st.integers(0, 59), st.characters(exclude_categories=[]))
def test_different_paths_have_different_ids(
    path: str, other: str, number: int, character: str
) -> None:
    # Ids that replace characters by the same one differ for most paths, but not for neighbours.
    neighbour = path[:number] + character + path[number + 1 :]
    for second in (other, neighbour):
        same = derived_external_image_id(path) == derived_external_image_id(second)
        assert same == (path.lstrip("/") == second.lstrip("/"))


@given(st.text(st.sampled_from("a._-:/x0AF19é張"), min_size=1, max_size=400))
def test_a_derived_id_is_one_that_rekognition_allows(path: str) -> None:
    checked_external_image_id(derived_external_image_id(path))


@given(
    st.text(st.sampled_from(".x2EAé/:"), max_size=12),
    st.text(st.sampled_from(".x2EAé/:"), max_size=12),
)
def test_escapes_that_stand_in_a_name_are_escaped_too(path: str, other: str) -> None:
    same = derived_external_image_id(path) == derived_external_image_id(other)
    assert same == (path == other)


@pytest.mark.parametrize(
    ("path", "readable"),
    [
        ("张伟/1.jpg", "张伟:1.jpg"),
        ("Zoë Müller-Łukasz/photo 1.jpg", "Zoë Müller-Łukasz:photo 1.jpg"),
        ("Ann_Lee/1.jpg", "Ann_Lee:1.jpg"),
        ("\x1b[2J.jpg", ".x1B.x5B2J.jpg"),
        ("\u202egpj.exe", ".xE2.x80.xAEgpj.exe"),
    ],
)
def test_a_derived_id_can_be_read_but_never_acts_on_a_terminal(path: str, readable: str) -> None:
    assert readable_name(derived_external_image_id(path)) == readable


SCRIPTS = st.one_of(
    PATHS, st.text(st.sampled_from(".:/x 2EA0Cé張\u200d\x1b-"), min_size=1, max_size=14)
)


@given(st.lists(SCRIPTS, min_size=1, max_size=8, unique=True))
def test_a_shown_name_is_read_as_its_own_photo_and_no_other(paths: list[str]) -> None:
    ids = [derived_external_image_id(path) for path in paths]
    shown = [readable_name(each) for each in ids]
    assert len(set(shown)) == len(paths)
    assert [read_external_image_id(each) for each in shown] == ids


@given(st.text(st.sampled_from(".:x20341AECéF9-"), min_size=1, max_size=255))
def test_an_id_that_was_not_derived_is_read_as_it_is_shown(text: str) -> None:
    name = read_external_image_id(text)
    assert read_external_image_id(name) == name
    assert read_external_image_id(readable_name(name)) == name


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b.jpg", "a:b.jpg"),
        ("a:b.jpg", "a.x3Ab.jpg"),
        ("x y.jpg", "x y.jpg"),
        ("x.x20y.jpg", "x.x2Ex20y.jpg"),
        ("é:1.jpg", "é.x3A1.jpg"),
    ],
)
def test_a_name_that_would_mean_another_photo_is_shown_as_its_id(path: str, shown: str) -> None:
    assert readable_name(derived_external_image_id(path)) == shown


@pytest.mark.parametrize("path", ["Zoë Müller/1.jpg", "x y.jpg", f"{'é' * 90}/1.jpg", "long" * 80])
def test_a_photo_may_be_named_by_its_path(path: str) -> None:
    assert read_external_image_id(path) == derived_external_image_id(path)


def test_long_paths_with_equal_ends_have_different_ids() -> None:
    ids = {derived_external_image_id(f"{start}/{'long' * 80}.jpg") for start in "abc"}
    assert len(ids) == 3
    assert all(len(name) <= 255 for name in ids)


@pytest.mark.parametrize(
    ("name", "source", "derived"),
    [
        ("1.jpg", "/photos/1.jpg", True),
        ("Ann:1.jpg", "/photos/Ann/1.jpg", True),
        ("Ann:1.jpg", "s3://photos/2024/Ann/1.jpg", True),
        (".xE5.xBC.xA0:1.jpg", "/photos/张/1.jpg", True),
        ("ann", "/photos/Ann/1.jpg", False),
        ("Ann", "/photos/Ann/1.jpg", False),
        ("jpg", "/photos/1.jpg", False),
        ("ann", "", False),
    ],
)
def test_an_id_is_derived_if_it_says_no_more_than_the_path(
    name: str, source: str, derived: bool
) -> None:
    assert is_derived(name, source) == derived


@pytest.mark.parametrize("name", ["", "bad name", "x" * 129, "a\n\x1b[31m", "é"])
def test_a_user_id_is_checked_by_the_gallery(gallery: Gallery, name: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        gallery.create_user("staff", name)
    assert raised.value.message.startswith("invalid person id ")
    assert raised.value.message.isprintable()
    assert gallery.list_users("staff").users == ()


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"k" * 129: "x"},
        {"aws:owner": "x"},
        {"a\n": "x"},
        {"team;": "x"},
        {"team": "v" * 257},
        {"team": "\x1b[31m"},
    ],
)
def test_tags_are_checked_by_the_gallery(gallery: Gallery, tags: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        gallery.set_tags("staff", tags)
    with pytest.raises(InvalidInputError):
        gallery.create_collection("guests", tags=tags)
    assert gallery.get_tags("staff") == {}
    assert [found.collection_id for found in gallery.all_collections()] == ["staff"]


def test_tags_may_have_letters_of_any_script_and_empty_values(gallery: Gallery) -> None:
    tags = {"größe": "", "cost:center": "7 @ Zürich/東京=+-_."}
    gallery.set_tags("staff", tags)
    assert gallery.get_tags("staff") == tags


@pytest.mark.parametrize(
    "settings",
    [
        {"max_faces": 0},
        {"max_faces": -1},
        {"max_faces": 101},
        {"min_confidence": 9.0},
        {"min_confidence": -0.1},
        {"min_confidence": float("nan")},
        {"quality_filter": "SHARP"},
        {"detector": "x"},
        {"smallest_face": 0},
        {"max_pixels": 0},
    ],
)
def test_every_face_option_is_checked_where_it_is_made(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        FaceOptions(**settings)
    with pytest.raises(InvalidInputError):
        replace(FaceOptions(), **settings)


def execution_input(detector: str) -> dict[str, Any]:
    options = {"detector": detector}
    return {"collection_id": "staff", "manifest": "s3://bucket/photos/", "options": options}


def test_the_names_of_detectors_are_those_of_the_engine() -> None:
    assert set(DETECTOR_NAMES) == set(detectors.DETECTORS)
    for name in DETECTOR_NAMES:
        assert violation("execution-input", execution_input(name)) is None
    assert violation("execution-input", execution_input("eyes")) is not None


@pytest.mark.parametrize("padding", range(12))
@pytest.mark.parametrize("letter", ["я", "ก", "张", "😀"])
def test_the_end_of_a_long_path_is_shown_in_whole_characters(letter: str, padding: int) -> None:
    path = letter * 80 + "a" * padding + ".jpg"
    name = derived_external_image_id(path)
    assert len(name) == 255
    shown = readable_name(name)
    remains, characters, rest = shown[1:].partition(letter)
    assert shown.startswith("…")
    assert len(remains) < len(".xFF") * len(letter.encode())
    assert set(characters + rest.split("a", 1)[0].split(".jpg")[0]) == {letter}
    assert read_external_image_id(shown) == name
    assert read_external_image_id(path) == name
