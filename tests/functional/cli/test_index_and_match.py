"""Indexing a manifest and matching a photo, through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from facerec.core.schemas import check
from tests.support.command_line import EXAMPLES, Facerec, document

PROBE = EXAMPLES / "probe.jpg"


def test_the_person_in_a_new_photo_is_found(people: Path, facerec: Facerec) -> None:
    result = facerec("match", PROBE, "--collection", "people")
    assert result.exit_code == 0
    assert "Face 1" in result.stdout
    assert "barack-obama:1" in result.stdout
    assert "joe-biden" not in result.stdout


def test_a_match_as_json_follows_its_schema(people: Path, facerec: Facerec) -> None:
    result = document(facerec("match", PROBE, "--collection", "people", "--json"))
    check("match-result", result, "the match")
    (face,) = result["faces"]
    assert face["decision"] == "match"
    names = [found["face"]["external_image_id"] for found in face["matches"]]
    assert names == ["barack-obama:1", "barack-obama:2"]


def test_indexing_again_does_nothing_and_reports_it(people: Path, facerec: Facerec) -> None:
    again = facerec("index", EXAMPLES / "manifest.jsonl", "--collection", "people")
    assert again.exit_code == 0
    assert "Nothing new: 4 of 5 photos are already indexed." in again.stdout
    assert "photos/s" not in again.output
    described = document(facerec("collections", "describe", "people", "--json"))
    assert described["face_count"] == 4


def test_the_report_accounts_for_every_line(people: Path, facerec: Facerec) -> None:
    report = document(facerec("jobs", "report", "latest", "--json"))
    check("report", report, "the report")
    assert report["outcomes"] == {"INDEXED": 4, "NO_FACE": 1}
    assert report["faces_indexed"] == 4


def test_a_probe_without_a_face_has_its_own_exit_code(people: Path, facerec: Facerec) -> None:
    result = facerec("match", EXAMPLES / "photos" / "rocket.jpg", "--collection", "people")
    assert result.exit_code == 5
    assert "no face" in result.stderr


def test_a_collection_of_another_model_is_refused(data: Path, facerec: Facerec) -> None:
    from facerec.core.records import Collection
    from facerec.storage.sqlite import SqliteStore

    with SqliteStore(data / "facerec.db") as store:
        store.create_collection(Collection("old", "another-model", 0.0))
    for words in (("match", PROBE), ("index", PROBE)):
        result = facerec(*words, "--collection", "old")
        assert result.exit_code == 6
        assert "another-model" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("match", "missing.jpg", "--collection", "people"), 3, "missing.jpg does not exist"),
        (("match", PROBE, "--collection", "strangers"), 3, "'strangers' does not exist"),
        (("match", PROBE, "--collection", "people", "--threshold", "1.5"), 2, "--threshold"),
        (("match", PROBE, "--collection", "not a name"), 4, "not a name"),
        (("match", EXAMPLES / "README.md", "--collection", "people"), 4, "cannot be read"),
        (("index", "missing.jsonl", "--collection", "people"), 3, "missing.jsonl does not exist"),
        (("index", PROBE, "--collection", "not a name"), 4, "invalid collection id 'not a name'"),
        (("index", PROBE, "--collection", "people", "--detector", "eyes"), 2, "eyes"),
        (("detect", "missing.jpg"), 3, "missing.jpg does not exist"),
        (("compare", PROBE, EXAMPLES / "photos" / "rocket.jpg"), 5, "rocket.jpg"),
        (("jobs", "report", "nothing"), 3, "does not exist"),
        (("collections", "describe", "strangers"), 3, "'strangers' does not exist"),
        (("collections", "create", "people"), 4, "already exists"),
        (("faces", "list", "--collection", "strangers"), 3, "'strangers' does not exist"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    people: Path, facerec: Facerec, words: tuple[object, ...], code: int, said: str
) -> None:
    result = facerec(*words)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_manifest_without_photos_is_refused(facerec: Facerec, tmp_path: Path) -> None:
    manifest = tmp_path / "empty.jsonl"
    manifest.write_text("\n\n")
    empty_folder = tmp_path / "folder"
    empty_folder.mkdir()
    for source in (manifest, empty_folder):
        result = facerec("index", source, "--collection", "nobody")
        assert result.exit_code == 4
        assert "contains no photos" in result.stderr
    assert document(facerec("collections", "list", "--json"))["collections"] == []


def test_a_malformed_line_is_named_and_the_rest_is_indexed(
    facerec: Facerec, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    good = f'{{"image": "{EXAMPLES}/photos/eileen-collins-1.jpg"}}'
    manifest.write_text(f'{good}\n{{"image": 5}}\n{{"image": "gone.jpg"}}\n')
    result = facerec("index", manifest, "--collection", "few", "--workers", 1)
    assert result.exit_code == 7
    assert "line 2" in result.stdout
    assert "line 3" in result.stdout
    tolerant = facerec(
        "index", manifest, "--collection", "few", "--workers", 1, "--tolerated-failures", 70
    )
    assert tolerant.exit_code == 0
    rows = facerec("jobs", "report", "latest", "--failures", "--json").stdout.splitlines()
    assert len(rows) == 2


def test_all_faces_of_a_probe_are_searched(people: Path, facerec: Facerec, tmp_path: Path) -> None:
    from PIL import Image

    both = Image.new("RGB", (1900, 1200))
    both.paste(Image.open(EXAMPLES / "photos" / "joe-biden-1.jpg"), (0, 0))
    both.paste(Image.open(PROBE), (960, 0))
    photo = tmp_path / "both.jpg"
    both.save(photo, quality=90)
    faces = document(facerec("match", photo, "--collection", "people", "--json"))["faces"]
    best = {face["matches"][0]["face"]["external_image_id"] for face in faces}
    assert best == {"joe-biden:1", "barack-obama:1"}


def test_a_collection_is_indexed_and_searched_with_its_recipe(facerec: Facerec) -> None:
    created = document(facerec("collections", "create", "people", "--recipe", "accurate", "--json"))
    indexed = facerec("index", EXAMPLES / "manifest.jsonl", "--collection", "people")
    assert indexed.exit_code == 0, indexed.output
    result = document(facerec("match", PROBE, "--collection", "people", "--json"))
    assert result["model_version"] == created["model_version"]
    assert result["faces"][0]["matches"][0]["face"]["model_version"] == created["model_version"]
    assert result["faces"][0]["decision"] == "match"
    again = facerec("index", EXAMPLES / "photos", "--collection", "people", "--recipe", "fast")
    assert again.exit_code == 6
    assert "single" in again.stderr


def test_an_index_run_creates_a_collection_with_the_recipe(facerec: Facerec) -> None:
    photos = EXAMPLES / "manifest.jsonl"
    run = facerec("index", photos, "--collection", "people", "--recipe", "accurate")
    assert run.exit_code == 0, run.output
    described = document(facerec("collections", "describe", "people", "--json"))
    assert described["model_version"].endswith("mirrored")


def test_the_report_says_how_photos_were_searched_and_which_options_keep_more_faces(
    facerec: Facerec, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(PROBE) as photo:
        small = photo.convert("RGB").resize((photo.width // 3, photo.height // 3))
    small.rotate(90, expand=True).save(folder / "on-its-side.jpg")
    small.save(folder / "moving.gif", save_all=True, append_images=[small.rotate(5)])
    asked = ("--collection", "searched", "--create-collection", "--quality-filter", "high")
    text = facerec("index", folder, *asked).stdout
    assert "to keep them: a laxer --quality-filter (2 faces)" in text
    assert "1 photo searched after turning" in text
    assert "1 animated file: searched the first frame of each" in text
    report = document(facerec("jobs", "report", "latest", "--json"))
    assert report["faces_rejected_by_option"] == {"quality_filter": 2}
    assert (report["photos_turned"], report["photos_animated"]) == (1, 1)
