r"""Photos and folders of any name stay what they are: ``\xfc`` is not a byte, nor ``Ann `` Ann."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from facerec.core.addresses import storable_source
from facerec.factory import open_gallery
from facerec.gallery.people.names import identity_of
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.test_erasing import Installation
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine

LITERAL = r"M\xfcller"
FOLDERS = [
    *(b"M\xfcller", LITERAL.encode(), rb"M\x5cxfcller", "Müller".encode()),
    *(b"Ann", b"Ann ", b" Ann", rb"Ann\x20", b"Ann\n", b"An\nn", b"An\x1bn", "Ann\u3000".encode()),
    *("An\u2028n".encode(), rb"An\x0an"),
    *(b" ", b"%", b"%25", b"a.x2E", b"a."),
]
"""Names of folders that are easily taken for each other."""

ONE = ("--workers", 1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return an installation with photos of a person in each folder."""
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    for number, name in enumerate(FOLDERS):
        folder = here.photos / name.decode(errors="surrogateescape")
        folder.mkdir(parents=True)
        for shot in (1, 2):
            face = fake_face(f"person {number}", shot=shot, away=0.1)
            (folder / f"{shot}.jpg").write_bytes(fake_photo(face))
    return here


def test_each_folder_is_a_person_of_its_own(here: Installation) -> None:
    shown = here.run("index", here.photos, "--collection", "staff", "--person-from", "folder", *ONE)
    assert shown.exit_code == 0, shown.output
    people = here.json("people", "list", "--collection", "staff")["people"]
    assert len(people) == len({each["name"] for each in people}) == len(FOLDERS)
    assert {"Ann", r"Ann\x20", r"\x20Ann", r"Ann\x5cx20", r"M\xfcller", r"Ann\x0a", r"An\x0an"} <= {
        each["name"] for each in people
    }


def test_the_normal_forms_of_a_name_are_one_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    for number, form in enumerate(("NFC", "NFD")):
        folder = here.photos / unicodedata.normalize(form, "Zoë Müller")
        folder.mkdir(parents=True)
        face = fake_face("zoe", shot=number, away=0.1)
        (folder / "1.jpg").write_bytes(fake_photo(face))
    here.run("index", here.photos, "--collection", "staff", "--person-from", "folder", *ONE)
    (person,) = here.json("people", "list", "--collection", "staff")["people"]
    assert person["name"] == "Zoë Müller"
    assert len(faces(here)) == 2


def test_nothing_changes_when_they_are_indexed_again(here: Installation) -> None:
    words = ("index", here.photos, "--collection", "staff", *ONE)
    here.run(*words)
    before = faces(here)
    assert len(before) == 2 * len(FOLDERS)
    for more in ((), ("--prune",), ("--force", "--prune")):
        shown = here.run(*words, *more)
        assert shown.exit_code == 0, shown.output
        assert faces(here) == before
    assert len(set(before.values())) == 2 * len(FOLDERS)


def test_a_name_that_is_only_in_a_path_is_nobody_s(here: Installation) -> None:
    here.run("index", here.photos, "--collection", "staff", *ONE)
    with open_gallery(here.data) as gallery:
        for face in gallery.list_faces("staff", limit=1000).faces:
            assert identity_of(face.record, None).person is None, face.record.source


def test_an_erased_photo_is_that_photo_and_no_other(here: Installation) -> None:
    words = ("index", here.photos, "--collection", "staff", *ONE)
    here.run(*words)
    left = faces(here)
    for name in FOLDERS[:3]:
        photo = here.photos / name.decode(errors="surrogateescape") / "1.jpg"
        shown = here.run("erase", "--collection", "staff", "--photo", photo, "--yes", "--check")
        assert shown.exit_code == 0, shown.output
        left = {
            key: source for key, source in left.items() if source != storable_source(str(photo))
        }
        assert faces(here) == left
    again = here.run(*words, "--force")
    assert again.exit_code == 0, again.output
    assert faces(here) == left
    assert len(left) == 2 * len(FOLDERS) - 3


def faces(here: Installation) -> dict[str, str]:
    """Return the stored address of each face's photo."""
    with open_gallery(here.data) as gallery:
        listed = gallery.list_faces("staff", limit=1000).faces
        return {face.record.face_id: face.record.source for face in listed}


FORGED = "ann\nforged\u2028forged\x85forged\x1b[2Jforged"

COMMANDS = (
    "index {photos} --collection staff --workers 1",
    "index {photos} --collection staff --person-from folder --workers 1 --force",
    "index {photos} --collection staff --person-from pattern:{{person}}/* --workers 1 --dry-run",
    "people enrol {photos} --collection staff --person-from pattern:{{person}}/*",
    "people list --collection staff",
    "people history --collection staff",
    "people match {photo} --collection staff",
    "people show {folder} --collection staff",
    "people delete {folder} --collection staff",
    "faces list --collection staff",
    "faces list --collection staff --external-id {folder}",
    "match {photo} --collection staff",
    "match {photos} --collection staff",
    "find {photo} --collection staff",
    "find {photo} --collection staff --csv {photo}",
    "compare {photo} {photo}",
    "detect {photo}",
    "detect {damaged}",
    "detect {photo}/missing",
    "jobs list",
    "jobs status latest",
    "jobs failures latest",
    "jobs status {folder}",
    "verify staff",
    "verify {folder}",
    "collections create {folder}",
    "serve --folder {folder}={photos}",
    "import {photo} --collection staff",
    "evaluate {photo} --images {photos}",
    "erase --collection staff --photo {damaged} --yes --check",
    "erase --collection staff --photo {photo}",
    "erasures",
    "{folder}",
)


def test_no_command_prints_a_name_as_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    folder = here.photos / FORGED
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(fake_photo(fake_face("ann")))
    (folder / "2.jpg").write_bytes(b"no photo")
    given = {
        "photos": here.photos,
        "photo": folder / "1.jpg",
        "damaged": folder / "2.jpg",
        "folder": FORGED,
    }
    shown = ""
    for command in COMMANDS:
        result = here.run(*(word.format(**given) for word in command.split()))
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        lines = result.output.splitlines()
        assert not [line for line in lines if line.strip().startswith("forged")], command
        shown += result.output
    assert shown.count(r"\nforged\u2028forged\x85forged\x1b[2Jforged") > 10
