from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import facerec.factory.engines
from facerec.cli.main import main
from facerec.factory import open_gallery
from facerec.testing.engine import FakeEngine, fake_face, fake_photo


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the collection ``staff``: five people, two photos each."""
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    monkeypatch.setenv("FACEREC_DATA", str(tmp_path))
    with open_gallery(tmp_path) as gallery:
        gallery.create_collection("staff")
        for number in range(5):
            for shot in range(2):
                photo = fake_photo(fake_face(f"p{number}", away=0.2, shot=shot))
                gallery.index("staff", photo, external_image_id=f"p{number}:{shot}")
        gallery.create_collection("empty")
    return tmp_path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["calibrate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_threshold_that_was_found_is_the_collections(data: Path) -> None:
    result = json.loads(run("--collection", "staff", "--set-threshold", "--json"))
    assert (result["genuine"], result["impostors"]) == (5, 40)
    with open_gallery(data) as gallery:
        stored = gallery.describe_collection("staff").collection.threshold
        assert stored == result["threshold"]
        found = gallery.search("staff", fake_photo(fake_face("p1")))
        assert found.threshold == stored


def test_too_few_faces_are_told_how_many_are_needed(data: Path) -> None:
    assert "faces of different people are needed" in " ".join(run("--collection", "staff").split())
    outcome = CliRunner().invoke(main, ["calibrate", "--collection", "empty"])
    assert outcome.exit_code == 4
    assert "at least two faces" in outcome.output


def test_the_page_draws_the_distributions(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run("--collection", "staff", "--html", page)
    text = page.read_text()
    assert "<svg" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_page_in_a_missing_folder_is_refused_before_anything_is_measured(
    data: Path, tmp_path: Path
) -> None:
    arguments = ["calibrate", "--collection", "staff", "--html", str(tmp_path / "no" / "page.html")]
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == 2
    assert "does not exist" in outcome.output
    assert not (tmp_path / "no").exists()


def test_a_number_of_faces_beyond_all_collections_is_not_spelled_out(data: Path) -> None:
    shown = " ".join(run("--collection", "staff", "--target-fmr", "1e-300").split())
    assert "more than 1,000,000,000 faces" in shown
