"""Error rates and doubtful names of a collection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from facerec.errors import InvalidInputError
from facerec.evaluate.calibration import MIN_MATCHES, Calibration, calibrate
from facerec.evaluate.calibration_page import summary
from facerec.evaluate.collections import calibrate_collection, set_calibrated_threshold
from facerec.gallery.people.names import identity_of
from facerec.gallery.scores.normalisation import false_match_rate_of
from facerec.gallery.search.sampling import SampledFace
from facerec.testing.engine import FAKE_COHORT_STATS, fake_face, fake_photo
from facerec.testing.faces import stored_face
from tests.support.gallery import Collaborators


def face(
    looks_like: str,
    name: str | None,
    *,
    away: float = 0.2,
    shot: int = 0,
    image: str = "",
    place: int = 0,
) -> SampledFace:
    image = image or f"{looks_like}{name}{shot}{away}"
    stored = stored_face(looks_like, away=away, shot=shot, image=image, place=place)
    stored = replace(stored, record=replace(stored.record, external_image_id=name))
    return SampledFace(stored, FAKE_COHORT_STATS, identity_of(stored.record, None))


def people(count: int, shots: int = 2) -> list[SampledFace]:
    return [
        face(f"person {number}", f"person {number}", shot=shot)
        for number in range(count)
        for shot in range(shots)
    ]


def measured(sample: list[SampledFace], rate: float = 0.01) -> Calibration:
    return calibrate(sample, len(sample), target_search_rate=rate)


def test_pairs_are_of_one_person_or_different_people_as_names_and_photos_say() -> None:
    sample = [
        *people(3),
        face("stranger", None, image="group"),
        face("other stranger", None, image="group", place=9),
    ]
    result = measured(sample)
    assert (result.faces, result.named, result.people) == (8, 6, 3)
    # six pairs of two names make four pairs each, and the group photo one more
    assert (result.genuine, result.impostors) == (3, 13)


def test_a_small_collection_gets_the_threshold_of_the_scale_and_learns_its_needs() -> None:
    result = measured(people(5))
    assert not result.is_measured
    assert false_match_rate_of(result.threshold) == pytest.approx(0.01 / 10, rel=0.02)
    assert result.faces_needed == pytest.approx((2 * MIN_MATCHES / 0.001) ** 0.5, rel=0.02)
    needed = result.needed_interval
    assert needed.low < needed.rate < needed.high
    assert needed.rate == pytest.approx(0.01, rel=0.01)
    assert (
        f"101 faces of different people are needed, which measure a rate of {needed}"
        in (summary(result, "staff")[2])
    )


def test_a_measured_threshold_keeps_the_rate() -> None:
    """Strangers of one crowd resemble each other as the scale does not expect."""
    sample = [face("crowd", f"person {shot}", away=0.42, shot=shot) for shot in range(60)]
    rate = 0.9
    result = calibrate(sample, len(sample), target_search_rate=rate)
    assert result.is_measured
    matching = [row for row in result.rates if row.similarity >= result.threshold]
    assert all(row.false_search_rate.rate <= rate for row in matching)


def test_a_face_under_two_names_is_listed() -> None:
    twice = [face("ann", "ann", shot=1, away=0.1), face("ann", "anna", shot=2, away=0.1)]
    (pair,) = measured([*people(3), *twice]).one_person
    assert {pair.person_a, pair.person_b} == {"ann", "anna"}


def test_a_face_that_resembles_nobody_of_its_name_is_listed() -> None:
    wrong = face("somebody else", "person 1", shot=7)
    (pair,) = measured([*people(3), wrong]).two_people
    assert wrong.face.record.face_id in (pair.face_a, pair.face_b)
    assert pair.person_a == pair.person_b == "person 1"


def test_one_picture_twice_is_a_duplicate_and_no_evidence() -> None:
    copies = [face("ann", "ann", image="1", away=0.0), face("ann", "anna", image="2", away=0.0)]
    result = measured([*people(2), *copies])
    (pair,) = result.duplicates
    assert pair.similarity == 1.0
    assert result.one_person == []


def test_a_face_found_twice_in_one_photo_is_a_duplicate_and_no_evidence() -> None:
    """Two detectors find a face of one photo a little apart, and describe it differently."""
    again = [
        face("ann", name, image="1", away=0.3, shot=shot) for shot, name in ((1, "a:1"), (2, "a:2"))
    ]
    other = face("bob", "bob", image="1", place=9)
    result = measured([*again, other])
    assert (result.genuine, result.impostors) == (0, 2)
    (pair,) = result.duplicates
    assert {pair.face_a, pair.face_b} == {each.face.record.face_id for each in again}


def test_the_rate_of_searches_grows_with_the_collection() -> None:
    sample = people(30)
    small, large = (
        calibrate(sample, faces, target_search_rate=0.01).rates[0].false_search_rate.high
        for faces in (60, 6000)
    )
    assert small < large
    assert 0 <= small < large <= 1


def test_people_with_two_names_do_not_decide_on_a_threshold_unseen() -> None:
    twins = [face("ann", f"ann {shot}", away=0.15, shot=shot) for shot in range(8)]
    sample = [*people(40, shots=1), *twins]
    assert calibrate(sample, len(sample), target_search_rate=0.5).has_wrong_names
    assert not calibrate(people(40), 80, target_search_rate=0.9).has_wrong_names


def test_a_measured_threshold_that_wrong_names_raise_comes_with_a_warning() -> None:
    crowd = [face("crowd", f"person {shot}", away=0.42, shot=shot) for shot in range(60)]
    right = calibrate(crowd, len(crowd), target_search_rate=0.9)
    assert right.is_measured
    assert not any("may be of one person" in line for line in summary(right, "staff"))
    twins = [face("ann", f"ann {shot}", away=0.15, shot=shot) for shot in range(5)]
    wrong = calibrate([*crowd, *twins], 65, target_search_rate=0.9)
    assert wrong.suspects == 10
    assert "10 pairs of different names may be of one person" in summary(wrong, "staff")[-1]


def test_a_python_program_sets_the_threshold_of_a_collection(tmp_path: Path) -> None:
    collaborators = Collaborators.in_folder(tmp_path)
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    with pytest.raises(InvalidInputError, match="has 0 faces"):
        calibrate_collection(gallery, "staff")
    for person in ("ann", "bob"):
        gallery.index("staff", fake_photo(fake_face(person)), external_image_id=f"{person}:1")
    with pytest.raises(InvalidInputError, match="out of range"):
        calibrate_collection(gallery, "staff", target_fmr=1)
    calibration = calibrate_collection(gallery, "staff", target_fmr=0.001)
    set_calibrated_threshold(gallery, "staff", calibration)
    assert gallery.search("staff", fake_photo(fake_face("ann"))).threshold == calibration.threshold
    collaborators.records.close()


def test_a_person_of_some_faces_has_the_name_that_others_share(tmp_path: Path) -> None:
    collaborators = Collaborators.in_folder(tmp_path)
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    for person in ("ann", "bob", "cyd"):
        for shot in range(2):
            photo = fake_photo(fake_face(person, away=0.2, shot=shot))
            (face,) = gallery.index("staff", photo, external_image_id=f"{person}:{shot}").faces
        gallery.create_user("staff", f"employee-{person}")
        gallery.associate_faces("staff", f"employee-{person}", [face.record.face_id])
    result = calibrate_collection(gallery, "staff")
    assert (result.people, result.genuine, result.impostors) == (3, 3, 12)
    assert result.one_person == []
    collaborators.records.close()


def test_a_correction_says_that_two_faces_show_different_people(tmp_path: Path) -> None:
    collaborators = Collaborators.in_folder(tmp_path)
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    one, other = (
        gallery.index("staff", fake_photo(fake_face("ann", away=0.3, shot=shot))).faces[0]
        for shot in range(2)
    )
    assert calibrate_collection(gallery, "staff").impostors == 0
    gallery.not_same("staff", one.record.face_id, other.record.face_id)
    assert calibrate_collection(gallery, "staff").impostors == 1
    collaborators.records.close()
