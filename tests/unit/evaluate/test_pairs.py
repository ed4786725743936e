from __future__ import annotations

from pathlib import Path

import pytest

from facerec.errors import InvalidInputError
from facerec.evaluate.labels import read_labels
from facerec.evaluate.pairs import LabelledPair, read_pairs
from facerec.evaluate.people import people_of

GOOD = "image_a,image_b,same\na/1.jpg,a/2.jpg,1\na/1.jpg,b/1.jpg,0\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def pairs_of(images: Path, content: str) -> list[LabelledPair]:
    path = images / "pairs.csv"
    path.write_text(content)
    return read_pairs(path, images)


def test_pairs_have_labels_folds_and_cohorts(images: Path) -> None:
    content = (
        "image_a,image_b,same,fold,cohort,cohort_age\n"
        "a/1.jpg,a/2.jpg,yes,1,x,old\na/1.jpg,b/1.jpg,FALSE,1,y,young\n"
    )
    first, second = pairs_of(images, content)
    assert first == LabelledPair(
        "a/1.jpg", "a/2.jpg", True, "1", {"cohort": "x", "cohort_age": "old"}
    )
    assert not second.same


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lacks columns: image_a, image_b, same"),
        ("image_a,image_b\na,b\n", "lacks columns: same"),
        (GOOD.replace("same", "same,age", 1), "unknown columns: 'age'"),
        (GOOD.replace("same", "same,fold,fold", 1), "more than one column named 'fold'"),
        (GOOD.replace(",1\n", ",maybe\n"), "line 2: same must be 1 or 0, got 'maybe'"),
        (GOOD.replace(",1\n", ",nan\n"), "line 2: same must be 1 or 0, got 'nan'"),
        (GOOD.replace(",1\n", "\n"), "line 2 does not have 3 values"),
        (GOOD.replace(",1\n", ",1,2\n"), "line 2 does not have 3 values"),
        ("image_a,image_b,same\n", "contains no pairs"),
        (GOOD + "a/1.jpg,a/1.jpg,1\n", "line 4: a photo is paired with itself"),
        (GOOD + "b/1.jpg,a/1.jpg,1\n", "line 4: the pair has the other label in line 3"),
        (GOOD.replace(",0\n", ",1\n"), "has no pair of different people"),
        (GOOD.replace(",1\n", ",0\n"), "has no pair of one person"),
        (GOOD.replace("b/1.jpg", "c/1.jpg"), "1 of 3 photos is not in .*, such as 'c/1.jpg'"),
        (GOOD.replace("b/1.jpg", "/dev/null"), "1 of 3 photos is not in .*, such as '/dev/null'"),
        (GOOD.replace("b/1.jpg", "a/../b/1.jpg"), "1 of 3 photos is not in .*, such as 'a/../b"),
        (
            "image_a,image_b,same,fold\na/1.jpg,a/2.jpg,1,1\na/1.jpg,b/1.jpg,0,2\n",
            "fold '1' of .* has pairs of one kind only",
        ),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_clear_line(
    images: Path, content: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        pairs_of(images, content)
    assert "\n" not in caught.value.message


def test_bytes_that_are_not_text_get_one_clear_line(images: Path) -> None:
    path = images / "pairs.csv"
    path.write_bytes(b"image_a,image_b,same\n\xff\xfe,\x00,1\n")
    with pytest.raises(InvalidInputError, match="is not valid CSV"):
        read_pairs(path, images)


def test_folders_name_people_if_they_agree_with_the_labels() -> None:
    pairs = [LabelledPair("a/1", "a/2", True), LabelledPair("a/1", "b/1", False)]
    assert people_of(pairs) == ({"a/1": "a", "a/2": "a", "b/1": "b"}, True)


def test_labels_connect_the_photos_of_one_person_if_folders_do_not() -> None:
    pairs = [
        LabelledPair("1", "2", True),
        LabelledPair("2", "3", True),
        LabelledPair("3", "4", False),
    ]
    people, all_pairs = people_of(pairs)
    assert not all_pairs
    assert people["1"] == people["2"] == people["3"] != people["4"]


def test_labels_are_read_with_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    path = tmp_path / "labels.csv"
    path.write_text("file,person,age,group\na.jpg,ann,old,x\nb.jpg,,young,y\n")
    first, second = read_labels(path, tmp_path)
    assert (first.person, first.labels) == ("ann", {"age": "old", "group": "x"})
    assert second.person != "ann"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image\na.jpg\n", "lacks the column image, or columns of labels"),
        ("photo,age\na.jpg,old\n", "lacks the column image, or columns of labels"),
        ("image,age\na.jpg\n", "line 2"),
        ("image,age\n\na.jpg,old\na.jpg\n", "line 4"),
        ("image,age\nnone.jpg,old\n", "1 of 1 photo is not in"),
        ("image,age\n../photos/a.jpg,old\n", "1 of 1 photo is not in"),
    ],
)
def test_a_wrong_file_of_labels_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").touch()
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        read_labels(path, photos)
