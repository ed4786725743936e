from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli import match as command
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FAKE_DISTANCE_AT_DEFAULT, fake_face, fake_photo
from tests.support.gallery import Collaborators


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("staff")
    monkeypatch.setattr(command, "open_gallery", lambda *_: gallery)
    return gallery


def run(photo: Path, *options: str) -> str:
    arguments = [str(photo), "--collection", "staff", *options]
    result = CliRunner().invoke(command.match, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_ambiguous_answer_shows_both_people(gallery: Gallery, tmp_path: Path) -> None:
    for name, away, shot in (("ann:1", -0.01, 1), ("bob:1", 0.01, 2)):
        face = fake_face("cyd", away=FAKE_DISTANCE_AT_DEFAULT + away, shot=shot)
        gallery.index("staff", fake_photo(face), external_image_id=name)
    photo = tmp_path / "cyd.jpg"
    photo.write_bytes(fake_photo(fake_face("cyd")))
    output = run(photo)
    assert "ambiguous" in output
    before, after = output.split("also too close to call")
    assert "ann:1" in before
    assert "bob:1" in after


def test_a_rate_takes_the_place_of_a_threshold(gallery: Gallery, tmp_path: Path) -> None:
    gallery.index("staff", fake_photo(fake_face("bob")), external_image_id="bob:1")
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    assert "has a similarity of 0.8 or more" in run(photo, "--target-fmr", "0.001")
