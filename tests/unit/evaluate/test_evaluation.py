from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError
from facerec.evaluate.faces import DescribedFaces, describe
from facerec.evaluate.identification import identify, people_photos
from facerec.evaluate.labels import LabelledPhoto, label_rates
from facerec.evaluate.page import identification_page, label_page, verification_page
from facerec.evaluate.pairs import LabelledPair
from facerec.evaluate.verification import verify
from facerec.testing.engine import FakeEngine, fake_face, fake_photo

PEOPLE = [f"person-{number}" for number in range(30)]


def write_photo(path: Path, person: str | None, shot: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = [fake_face(person, away=0.3, shot=shot, left=0.4, top=0.4)] if person else []
    path.write_bytes(fake_photo(*faces))


def described(folder: Path, names: list[str]) -> DescribedFaces:
    return describe(folder, names, engine=FakeEngine(), options=FaceOptions())


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for person in PEOPLE:
        for shot in (0, 1):
            write_photo(tmp_path / person / f"{shot}.jpg", person, shot)
    return tmp_path


@pytest.fixture
def pairs() -> list[LabelledPair]:
    same = [
        LabelledPair(f"{one}/0.jpg", f"{one}/1.jpg", True, str(place % 2), {"cohort": "all"})
        for place, one in enumerate(PEOPLE)
    ]
    different = [
        LabelledPair(f"{one}/0.jpg", f"{other}/1.jpg", False, str(place % 2), {"cohort": "all"})
        for place, (one, other) in enumerate(pairwise(PEOPLE))
    ]
    return same + different


def names_of(pairs: list[LabelledPair]) -> list[str]:
    return sorted({name for pair in pairs for name in (pair.image_a, pair.image_b)})


def test_all_pairs_of_photos_are_judged_if_folders_name_people(
    images: Path, pairs: list[LabelledPair]
) -> None:
    result = verify(pairs, described(images, names_of(pairs)))
    assert result.all_pairs
    assert (result.genuine, result.impostors) == (30, 60 * 59 // 2 - 30)
    assert [row.false_match_rate for row in result.miss_rates] == [1e-1, 1e-2]
    assert result.miss_rates[0].false_non_match_rate.rate == 0
    assert set(result.accuracy) == {"0", "1"}
    assert all(accuracy > 0.9 for accuracy, _ in result.accuracy.values())
    assert [(row.value, row.same, row.different) for row in result.cohorts] == [("all", 30, 29)]


def test_only_labelled_pairs_are_judged_if_folders_do_not_name_people(
    images: Path, pairs: list[LabelledPair]
) -> None:
    flat = [LabelledPair(pair.image_a, pair.image_b, pair.same) for pair in pairs]
    flat.append(LabelledPair("person-0/0.jpg", "person-1/0.jpg", True))
    result = verify(flat, described(images, names_of(flat)))
    assert not result.all_pairs
    assert (result.genuine, result.impostors) == (31, 29)
    assert result.accuracy == {}
    assert [(error.image_a, error.image_b) for error in result.false_non_matches] == [
        ("person-0/0.jpg", "person-1/0.jpg")
    ]


def test_a_photo_without_a_face_is_counted_and_its_pairs_are_errors(
    images: Path, pairs: list[LabelledPair]
) -> None:
    write_photo(images / "person-0" / "0.jpg", None)
    (images / "person-2" / "0.jpg").write_bytes(b"not a photo")
    result = verify(pairs, described(images, names_of(pairs)))
    assert set(result.failures) == {"person-0/0.jpg", "person-2/0.jpg"}
    assert result.failures["person-0/0.jpg"] == "no face found"
    assert result.pairs_without_a_face == 4
    assert result.share_without_a_face == pytest.approx(2 / 30)
    labelled = [
        *pairs,
        LabelledPair("person-1/0.jpg", "person-3/0.jpg", True, "0", {"cohort": "all"}),
    ]
    result = verify(labelled, described(images, names_of(labelled)))
    assert not result.all_pairs
    assert result.share_without_a_face == pytest.approx(2 / 31)
    assert result.accuracy["0"][0] < 1


def test_a_photo_that_vanishes_is_a_photo_without_a_face(images: Path) -> None:
    names = sorted(str(path.relative_to(images)) for path in images.rglob("*.jpg"))
    (images / names[0]).unlink()
    faces = described(images, names)
    assert faces.failures[names[0]] == "No such file or directory"
    assert faces.names[0] == names[1]


def test_faces_in_too_few_photos_get_one_clear_line(
    images: Path, pairs: list[LabelledPair]
) -> None:
    for person in PEOPLE:
        write_photo(images / person / "1.jpg", None)
    with pytest.raises(InvalidInputError, match="photos without a face: 30"):
        verify(pairs, described(images, names_of(pairs)))


def test_the_page_is_one_file_without_an_outside_address(
    images: Path, pairs: list[LabelledPair]
) -> None:
    faces = described(images, names_of(pairs))
    boxes = dict(zip(faces.names, faces.boxes, strict=True))
    page = verification_page(verify(pairs, faces), images, boxes, model_version="fake-1")
    assert "<svg" in page
    assert "60 photos" in page
    assert not re.search(r"(src|href)=\"(?!data:|\")", page)
    assert "http" not in page


def test_names_of_photos_cannot_write_html(tmp_path: Path) -> None:
    people = ["<b>one</b>", "two"]
    for person in people:
        for shot in (0, 1):
            write_photo(tmp_path / person.replace("/", "") / f"{shot}.jpg", person, shot)
    folder = people[0].replace("/", "")
    pairs = [
        LabelledPair(f"{folder}/0.jpg", f"{folder}/1.jpg", True),
        LabelledPair(f"{folder}/0.jpg", "two/0.jpg", False),
    ]
    write_photo(tmp_path / folder / "1.jpg", None)
    pairs.append(LabelledPair("two/0.jpg", "two/1.jpg", True))
    page = verification_page(
        verify(pairs, described(tmp_path, names_of(pairs))), tmp_path, {}, model_version="fake-1"
    )
    assert "<b>one" not in page
    assert "&lt;b&gt;one" in page


def test_probes_are_named_and_strangers_are_not(images: Path) -> None:
    gallery = [f"{person}/0.jpg" for person in PEOPLE[:20]]
    probes = [f"{person}/1.jpg" for person in PEOPLE]
    result = identify(described(images, gallery), described(images, probes))
    assert (result.people, result.known, result.strangers) == (20, 20, 10)
    assert result.rank_1.rate == 1
    assert [row.false_positive_rate for row in result.open_set] == [0.1]
    assert result.open_set[0].miss_rate.rate == 0
    assert "10 of strangers" in identification_page(result, model_version="fake-1")


def test_known_people_whose_probe_has_no_face_count_as_missed(images: Path) -> None:
    gallery = [f"{person}/0.jpg" for person in PEOPLE[:20]]
    probes = [f"{person}/1.jpg" for person in PEOPLE]
    for probe in (*probes[:5], probes[-1]):
        write_photo(images / probe, None)
    # Nor can a person be found whose photo in the gallery has no face.
    write_photo(images / gallery[5], None)
    result = identify(described(images, gallery), described(images, probes))
    assert (result.known, result.known_without_a_face, result.strangers) == (20, 5, 9)
    assert result.rank_1.rate == 14 / 20


def test_a_photo_is_not_compared_with_itself(images: Path) -> None:
    names = [f"{person}/{shot}.jpg" for person in PEOPLE for shot in (0, 1)]
    faces = described(images, names)
    assert identify(faces, faces, one_folder=True).rank_1.rate == 1
    alone = described(images, names[::2])
    assert identify(alone, alone).rank_1.rate == 1
    assert identify(alone, alone, one_folder=True).rank_1.rate == 0


def test_probes_of_strangers_alone_get_one_clear_line(images: Path) -> None:
    one, other = (described(images, [f"{person}/0.jpg"]) for person in PEOPLE[:2])
    with pytest.raises(InvalidInputError, match="shows an enrolled person"):
        identify(one, other)


def test_a_folder_without_people_gets_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(InvalidInputError, match="no photos in folders named after people"):
        people_photos(tmp_path)


def test_a_label_whose_faces_resemble_each_other_has_a_higher_rate(tmp_path: Path) -> None:
    photos = []
    for number in range(120):
        crowded = number < 20
        name = f"{number}.jpg"
        person = "crowd" if crowded else f"person {number}"
        write_photo(tmp_path / name, person, shot=number)
        labels = {"kind": "crowded" if crowded else "usual"}
        photos.append(LabelledPhoto(name, f"photo {number}", labels))
    result = label_rates(photos, described(tmp_path, [photo.image for photo in photos]))
    assert (result.photos, result.pairs, result.overall_rate) == (120, 7140, 1e-3)
    crowded, usual = result.rates
    assert crowded.normalised.rate > 10 * usual.normalised.rate
    assert crowded.normalised.low <= crowded.normalised.rate <= crowded.normalised.high
    page = label_page(result, model_version="fake-1")
    assert "kind: crowded" in page
