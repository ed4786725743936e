"""`facerec index` after ids were corrected: the wrong ones are gone, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.functional.test_erasing import Installation
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine

SAYS = "had another external image id before"
KEEP = "keep the external image id of an earlier manifest"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    for name in ("ann", "bob"):
        here.write(name, 1)
    return here


def names(here: Installation) -> list[str]:
    listed = here.json("faces", "list", "--collection", "staff")["faces"]
    return sorted(each["external_image_id"] for each in listed)


def index(here: Installation, tmp_path: Path, *ids: tuple[str, str]) -> str:
    photos = {path.parent.name: str(path) for path in sorted(here.photos.rglob("*.jpg"))}
    lines = ({"image": photos[photo], "external_image_id": own} for photo, own in ids)
    manifest = tmp_path / "ids.jsonl"
    manifest.write_text("\n".join(map(json.dumps, lines)))
    return here.run("index", manifest, "--collection", "staff").output


def test_a_corrected_id_replaces_the_wrong_one_and_the_report_says_so(
    here: Installation, tmp_path: Path
) -> None:
    assert SAYS not in index(here, tmp_path, ("ann", "wrong"), ("bob", "bob"))
    shown = " ".join(index(here, tmp_path, ("ann", "right"), ("bob", "bob")).split())
    assert f"1 face removed, of photos that {SAYS}" in shown
    assert names(here) == ["bob", "right"]
    assert here.run("verify", "staff").exit_code == 0
    index(here, tmp_path, ("ann", "wrong"), ("bob", "bob"))
    assert names(here) == ["bob", "wrong"]
    assert here.run("verify", "staff", "--repair").exit_code == 0
    assert names(here) == ["bob", "wrong"]


def test_an_id_that_is_taken_from_a_manifest_goes_even_if_nothing_else_is_new(
    here: Installation, tmp_path: Path
) -> None:
    index(here, tmp_path, ("ann", "one"), ("ann", "two"), ("bob", "bob"))
    shown = " ".join(index(here, tmp_path, ("ann", "two"), ("bob", "bob")).split())
    assert f"1 face removed, of photos that {SAYS}" in shown
    assert names(here) == ["bob", "two"]


def test_a_folder_keeps_the_ids_of_a_manifest_and_the_report_says_so(
    here: Installation, tmp_path: Path
) -> None:
    folder = ("index", here.photos, "--collection", "staff")
    assert KEEP not in here.run(*folder).output
    shown = " ".join(index(here, tmp_path, ("ann", "right"), ("bob", "bob")).split())
    assert f"2 faces removed, of photos that {SAYS}" in shown
    for _ in range(2):
        shown = " ".join(here.run(*folder).output.split())
        assert f"2 photos {KEEP}" in shown
        assert names(here) == ["bob", "right"]
        assert SAYS not in index(here, tmp_path, ("ann", "right"), ("bob", "bob"))
        assert names(here) == ["bob", "right"]
    assert f"2 photos {KEEP}" in " ".join(here.run(*folder, "--dry-run").output.split())
    assert here.json(*folder)["difference"]["kept_ids"] == 2
    assert here.run("verify", "staff").exit_code == 0


def test_erased_photos_with_a_chosen_id_do_not_come_back_with_the_folder(
    here: Installation, tmp_path: Path
) -> None:
    folder = ("index", here.photos, "--collection", "staff")
    here.run(*folder)
    index(here, tmp_path, ("ann", "right"), ("bob", "bob"))
    photo = here.photos / "ann" / "1.jpg"
    assert here.run("erase", "--collection", "staff", "--photo", photo, "--yes").exit_code == 0
    for _ in range(2):
        here.run(*folder)
        assert names(here) == ["bob"]
        index(here, tmp_path, ("ann", "right"), ("bob", "bob"))
        assert names(here) == ["bob"]


def test_ids_of_a_folder_can_be_derived_in_another_way(here: Installation) -> None:
    for rule in ("path", "folder", "path"):
        here.run("index", here.photos, "--collection", "staff", "--external-ids", rule)
        assert len(names(here)) == 2
    here.run("index", here.photos, "--collection", "staff")
    assert len(names(here)) == 2
