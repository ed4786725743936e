"""Detecting, comparing, listing and deleting, through the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from facerec.core.schemas import check
from tests.support.command_line import EXAMPLES, Facerec, document

PROBE = EXAMPLES / "probe.jpg"


def test_detected_faces_are_drawn_into_the_photo(facerec: Facerec, tmp_path: Path) -> None:
    drawn = tmp_path / "boxes.png"
    result = facerec("detect", PROBE, "--draw", drawn, "--json")
    seen = document(result)
    check("detect-result", seen, "the detection")
    box = seen["faces"][0]["box"]
    photo = Image.open(drawn)
    corner = (round(box["left"] * photo.width) + 1, round(box["top"] * photo.height) + 1)
    assert photo.getpixel(corner) == (46, 204, 113)


def test_a_drawing_of_no_known_format_is_refused(facerec: Facerec, tmp_path: Path) -> None:
    result = facerec("detect", PROBE, "--draw", tmp_path / "boxes.xyz")
    assert result.exit_code == 4
    assert "its suffix is not that of a photo format" in result.stderr


def test_a_drawing_never_replaces_the_photo(facerec: Facerec, tmp_path: Path) -> None:
    photo, link = tmp_path / "photo.jpg", tmp_path / "link.jpg"
    shutil.copy(PROBE, photo)
    link.symlink_to(photo)
    for drawing in (photo, link):
        result = facerec("detect", photo, "--draw", drawing)
        assert result.exit_code == 4
        assert "is the photo itself" in result.stderr
    assert photo.read_bytes() == PROBE.read_bytes()


def test_characters_that_the_terminal_lacks_are_printed_as_escapes(data: Path) -> None:
    words = [sys.executable, "-m", "facerec.cli.main", "detect", str(PROBE)]
    environment = {"PYTHONIOENCODING": "ascii", "FACEREC_DATA": str(data)}
    result = subprocess.run(words, env={**os.environ, **environment}, capture_output=True)
    assert result.returncode == 0
    assert b"\\xb0" in result.stdout
    assert result.stderr == b""


def test_comparing_distinguishes_one_person_from_another(facerec: Facerec) -> None:
    photos = EXAMPLES / "photos"
    same = document(facerec("compare", PROBE, photos / "barack-obama-1.jpg", "--json"))
    other = document(facerec("compare", PROBE, photos / "joe-biden-1.jpg", "--json"))
    check("compare-result", same, "the comparison")
    assert same["pairs"][0]["similarity"] > 0.8
    assert other["pairs"][0]["similarity"] < 0.2


def test_a_deleted_face_is_gone_from_the_store_and_the_jobs(people: Path, facerec: Facerec) -> None:
    listed = document(facerec("faces", "list", "--collection", "people", "--json"))
    check("face-list", listed, "the page")
    (face,) = (f for f in listed["faces"] if f["external_image_id"] == "joe-biden:1")
    deleted = facerec("faces", "delete", "--collection", "people", face["face_id"])
    assert deleted.exit_code == 0
    left = document(facerec("faces", "list", "--collection", "people", "--json"))["faces"]
    assert face["face_id"] not in {each["face_id"] for each in left}
    assert len(left) == 3
    for kept in people.glob("jobs/*/embeddings/**/*.npz"):
        assert face["face_id"].encode() not in kept.read_bytes()
    again = facerec("faces", "delete", "--collection", "people", face["face_id"])
    assert again.exit_code == 3


def test_deleting_a_collection_deletes_its_jobs(people: Path, facerec: Facerec) -> None:
    asked = facerec("collections", "delete", "people", input="n\n")
    assert asked.exit_code != 0
    assert facerec("collections", "describe", "people").exit_code == 0
    deleted = facerec("collections", "delete", "people", "--yes")
    assert deleted.exit_code == 0
    assert "4 faces" in deleted.stdout
    assert document(facerec("jobs", "list", "--json")) == {"jobs": []}
    assert [path for path in people.rglob("*") if path.suffix in (".npz", ".jsonl")] == []


def test_a_page_of_faces_links_to_the_next(people: Path, facerec: Facerec) -> None:
    words = ("faces", "list", "--collection", "people", "--limit", "3", "--json")
    first = document(facerec(*words))
    second = document(facerec(*words, "--next-token", first["next_token"]))
    assert len(first["faces"]) == 3
    assert len(second["faces"]) == 1
    assert second["next_token"] is None


def test_jobs_are_listed_with_their_reports(people: Path, facerec: Facerec) -> None:
    listed = document(facerec("jobs", "list", "--json"))
    check("job-list", listed, "the list")
    (job,) = listed["jobs"]
    assert job["collection_id"] == "people"
    assert (job["status"], job["photos"]) == ("SUCCEEDED", 5)
    assert job["job_id"] in facerec("jobs", "list").stdout


def test_a_drawing_that_cannot_be_written_is_invalid_input(
    facerec: Facerec, tmp_path: Path
) -> None:
    result = facerec("detect", PROBE, "--draw", tmp_path / "missing" / "boxes.jpg")
    assert result.exit_code == 4
    assert "missing is not a folder" in result.stderr


def test_an_unreadable_photo_is_named(facerec: Facerec, tmp_path: Path) -> None:
    text = tmp_path / "notes.md"
    text.write_text("no photo")
    result = facerec("detect", text)
    assert result.exit_code == 4
    assert f"{text} cannot be read" in result.stderr
    assert result.stderr.count("JPEG") == 1


def test_an_address_of_another_kind_is_refused(facerec: Facerec) -> None:
    result = facerec("detect", "http://example.com/a.jpg")
    assert result.exit_code == 4
    assert "http:// addresses are not supported" in result.stderr


def test_a_job_without_failures_says_so(facerec: Facerec, people: Path) -> None:
    result = facerec("jobs", "failures", "latest")
    assert (result.exit_code, result.stdout) == (0, "no failures\n")


def test_a_collection_is_described_with_its_people(facerec: Facerec, people: Path) -> None:
    heading, *_ = facerec("collections", "describe", "people").stdout.splitlines()
    assert heading.split() == ["collection", "faces", "people", "created", "model"]
