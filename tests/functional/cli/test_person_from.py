"""`facerec index --person-from`: people are created from the names of photos."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from facerec.errors import InvalidInputError
from facerec.factory import open_local_jobs
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.test_erasing import Installation
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine


def test_copies_of_indexed_photos_name_nobody_and_the_reason_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    here.write("ann", 1)
    here.run("index", here.photos, "--collection", "staff", "--external-ids", "none")
    members = tmp_path / "members"
    shutil.copytree(here.photos, members)
    words = ("--collection", "staff", "--person-from", "folder")
    shown = here.run("index", members, *words).output
    assert "0 people" in shown
    assert "1 photo is a copy" in shown
    assert "copies name nobody" in shown
    # Also beside people whom other photos name.
    both = tmp_path / "both"
    shutil.copytree(here.photos, both)
    other = both / "bob" / "0.jpg"
    other.parent.mkdir()
    other.write_bytes(fake_photo(fake_face("bob")))
    shown = here.run("index", both, *words).output
    assert "1 person, 1 of them new" in shown
    assert "copies name nobody" in shown
    shown = here.run("index", here.photos, *words).output
    assert "1 person, 1 of them new" in shown
    assert "copies" not in shown


def test_a_report_counts_copies_but_no_photo_that_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    here.write("ann", 1)
    words = ("--collection", "staff", "--external-ids", "none")
    first = here.json("index", here.photos, *words)
    assert first["copies"] == 0
    copies = tmp_path / "copies"
    shutil.copytree(here.photos, copies)
    again = here.json("index", copies, *words)
    assert (again["outcomes"], again["copies"]) == ({"ALREADY_INDEXED": 1}, 1)
    shutil.move(here.photos, tmp_path / "moved")
    shutil.rmtree(copies)
    moved = here.json("index", tmp_path / "moved", *words)
    assert (moved["outcomes"], moved["copies"]) == ({"ALREADY_INDEXED": 1}, 0)


def test_a_job_that_is_started_here_creates_people_like_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    here.write("ann", 1)
    here.write("ann", 2)
    words = ("--collection", "staff", "--person-from", "folder")
    shown = here.run("jobs", "start", here.photos, *words).output
    assert "1 person, 1 of them new: 2 faces added" in shown


@pytest.mark.parametrize("command", [("index",), ("jobs", "start"), ("people", "enrol")])
@pytest.mark.parametrize("source", ["nowhere", "members", "nowhere.csv"])
def test_a_source_without_photos_leaves_people_and_faces(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    source: str,
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    here.write("ann", 1)
    here.write("bob", 1)
    (tmp_path / "members").mkdir()
    members = here.photos.rename(tmp_path / "members" / "photos")
    words = ("--collection", "staff", "--person-from", "folder")
    here.run("index", members, *words)
    people = here.json("people", "list", "--collection", "staff")
    assert len(people["people"]) == 2
    # as if its disk was not mounted
    members.rename(tmp_path / "unmounted")
    members.mkdir()
    given = members if source == "members" else tmp_path / source
    for more in ((), ("--prune",)) if command != ("people", "enrol") else ((),):
        result = here.run(*command, given, *words, *more)
        assert result.exit_code in (ExitCode.NOT_FOUND, ExitCode.INVALID_INPUT), result.output
        assert str(given) in result.stderr
        assert here.json("people", "list", "--collection", "staff") == people
        assert len(here.faces()) == 2


def test_a_server_refuses_to_create_people_with_a_job(tmp_path: Path) -> None:
    document = {"collection_id": "staff", "manifest": f"{tmp_path}/", "person_from": "folder"}
    with pytest.raises(InvalidInputError, match="does not create people itself"):
        open_local_jobs(tmp_path / "data").submit(document)


def test_folders_whose_names_are_not_utf_8_are_different_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    names = [b"M\xfcller", b"M\xf6ller", b"M\xe4ller", "Müller".encode()]
    for number, name in enumerate(names):
        folder = here.photos / name.decode(errors="surrogateescape")
        folder.mkdir(parents=True)
        for shot in (1, 2):
            face = fake_face(f"person {number}", shot=shot, away=0.1)
            (folder / f"{shot}.jpg").write_bytes(fake_photo(face))
    shown = here.run("index", here.photos, "--collection", "staff", "--person-from", "folder")
    assert shown.exit_code == 0, shown.output
    people = here.json("people", "list", "--collection", "staff")["people"]
    assert {each["name"] for each in people} == {
        r"M\xfcller",
        r"M\xf6ller",
        r"M\xe4ller",
        "Müller",
    }
    assert len(people) == len({each["user_id"] for each in people})
