from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli import faces as stored_faces
from facerec.cli import match as command
from facerec.cli import people_match
from facerec.cli.deferred import factory
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FAKE_DISTANCE_AT_DEFAULT, fake_face, fake_photo
from tests.support.gallery import Collaborators


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("staff")
    monkeypatch.setattr(factory, "open_gallery", lambda *_: gallery)
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
    before, after = output.split("about equally similar")
    assert "ann:1" in before
    assert "bob:1" in after


def test_a_rate_takes_the_place_of_a_threshold(gallery: Gallery, tmp_path: Path) -> None:
    gallery.index("staff", fake_photo(fake_face("bob")), external_image_id="bob:1")
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    assert "has a similarity of 0.8 or more" in run(photo, "--target-fmr", "0.001")


@pytest.fixture
def folder(gallery: Gallery, tmp_path: Path) -> Path:
    """A folder with a photo of Ann, one of nobody, one that cannot be read, and a text."""
    photo = fake_photo(fake_face("ann", away=0.1))
    (face,) = gallery.index("staff", photo, external_image_id="ann:1").faces
    gallery.create_user("staff", "ann", name="Ann Lee")
    gallery.associate_faces("staff", "ann", [face.record.face_id])
    folder = tmp_path / "probes"
    folder.mkdir()
    faces = (fake_face("ann"), fake_face("bob", left=0.6))
    (folder / "a.jpg").write_bytes(fake_photo(*faces))
    (folder / "b.jpg").write_bytes(fake_photo())
    (folder / "c.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_every_face_of_a_folder_s_photos_has_a_line(folder: Path) -> None:
    result = CliRunner().invoke(command.match, [str(folder), "--collection", "staff"])
    assert result.exit_code == 0
    lines = [line.removeprefix(f"{folder}/") for line in result.stdout.splitlines()]
    assert lines[0].startswith("a.jpg face 1: match Ann Lee (1.0")
    assert lines[1:3] == ["a.jpg face 2: unknown", "b.jpg: no face was found in the photo"]
    assert lines[3].startswith("c.jpg: ")
    assert len(lines) == 4
    assert (
        "3 photos searched, 2 faces: 1 match, 1 unknown; 2 photos without a result" in result.stderr
    )


def test_a_folder_s_photos_are_lines_of_json(folder: Path) -> None:
    result = CliRunner().invoke(command.match, [str(folder), "--collection", "staff", "--json"])
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [violation("match-line", document) for document in documents] == [None] * 3
    assert documents[0]["result"]["faces"][0]["matches"][0]["face"]["person_name"] == "Ann Lee"
    assert documents[1]["error"] == "no face was found in the photo"


def test_a_folder_s_photos_are_lines_of_a_csv_file(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "found.csv"
    words = [str(folder), "--collection", "staff", "--csv", str(output)]
    assert CliRunner().invoke(command.match, words).exit_code == 0
    with output.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["person_name"] for row in rows] == ["Ann Lee", "", "", ""]
    assert [bool(row["error"]) for row in rows] == [False, False, True, True]
    assert CliRunner().invoke(command.match, words).exit_code == 1


def test_a_photo_with_an_odd_name_does_not_lose_the_rows_of_the_others(
    folder: Path, tmp_path: Path
) -> None:
    odd = [folder / os.fsdecode(name) for name in (b"m\xfcller.jpg", b"n\xfcller.jpg")]
    odd[0].write_bytes(fake_photo(fake_face("ann", left=-0.05)))
    odd[1].write_bytes(b"no photo")
    output = tmp_path / "found.csv"
    words = ["match", str(folder), "--collection", "staff", "--csv", str(output)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    with output.open(newline="", encoding="utf-8") as file:
        rows = {Path(row["photo"]).name: row for row in csv.DictReader(file)}
    assert rows.keys() == {"a.jpg", "b.jpg", "c.jpg", r"m\xfcller.jpg", r"n\xfcller.jpg"}
    assert rows[r"m\xfcller.jpg"]["person_name"] == "Ann Lee"
    assert float(rows[r"m\xfcller.jpg"]["left"]) == -0.05


def test_a_folder_in_an_unknown_collection_is_one_error(folder: Path) -> None:
    result = CliRunner().invoke(main, ["match", str(folder), "--collection", "none"])
    assert result.exit_code == 3
    assert result.stdout == ""


def test_a_search_says_that_there_are_more_matches_though_corrections_hide_faces(
    gallery: Gallery, tmp_path: Path
) -> None:
    (twin,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    for shot in range(110):
        name, away = ("ann", 0.1) if shot < 100 else ("bob", 0.2)
        photo = fake_photo(fake_face("ann", shot=shot, away=away))
        gallery.index("staff", photo, external_image_id=name)
    gallery.not_same("staff", twin.record.face_id, "ann")
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    for limit, more in (("10", True), ("11", False)):
        assert ("see more with a higher --limit" in run(photo, "--limit", limit)) == more


def test_every_search_says_when_there_are_more_matches_than_it_shows(
    gallery: Gallery, tmp_path: Path
) -> None:
    for shot in range(4):
        (face,) = gallery.index("staff", fake_photo(fake_face("ann", shot=shot, away=0.1))).faces
        gallery.create_user("staff", f"ann-{shot}")
        gallery.associate_faces("staff", f"ann-{shot}", [face.record.face_id])
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    face_id = face.record.face_id
    searches = [
        (command.match, [str(photo)]),
        (stored_faces.match, [face_id]),
        (people_match.match, [str(photo)]),
        (people_match.match, ["--face", face_id]),
        (people_match.match, ["--person", "ann-0"]),
    ]
    for search, probe in searches:
        for limit, more in (("2", True), ("4", False)):
            words = [*probe, "--collection", "staff", "--limit", limit]
            printed = CliRunner().invoke(search, words).output
            assert ("the 2 most similar; see more with a higher --limit" in printed) == more
            assert "0.1" in printed
