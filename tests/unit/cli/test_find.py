"""`facerec find`: outputs that lose no photo and overwrite nothing."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from facerec.cli.contact_sheet import write_contact_sheet
from facerec.cli.deferred import factory
from facerec.cli.main import main
from facerec.cli.photo_copies import distinct_names
from facerec.core.schemas import violation
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

Find = Callable[..., Result]


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """The collection ``party``: three photos of Ann in two folders, two of them of one name."""
    monkeypatch.chdir(tmp_path)
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("party")
    monkeypatch.setattr(factory, "open_gallery", lambda *_: gallery)
    for shot, name in enumerate(("a/1.jpg", "b/1.JPG", "b/2.jpg")):
        photo = tmp_path / "photos" / name
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(fake_photo(fake_face("ann", away=(0.1, 0.4, 0.45)[shot], shot=shot)))
        gallery.index("party", photo)
    (tmp_path / "guest.jpg").write_bytes(fake_photo(fake_face("ann")))
    return gallery


@pytest.fixture
def find(gallery: Gallery) -> Find:
    del gallery

    def run(*words: object) -> Result:
        arguments = ["find", *(str(word) for word in words), "--collection", "party"]
        return CliRunner().invoke(main, arguments)

    return run


def contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_photos_of_equal_names_are_copied_one_to_one(find: Find, tmp_path: Path) -> None:
    result = find("guest.jpg", "--copy-to", "guest")
    assert result.exit_code == 0, result.output
    assert result.output == "3 photos copied to guest\n"
    assert contents(tmp_path / "guest") == contents(tmp_path / "photos")
    assert (tmp_path / "guest" / "2.jpg").is_file()
    assert len(list((tmp_path / "guest").iterdir())) == 3


@pytest.mark.parametrize("option", ["--copy-to", "--link-to"])
def test_the_same_command_completes_a_folder(find: Find, tmp_path: Path, option: str) -> None:
    assert find("guest.jpg", option, "guest").exit_code == 0
    before = {path.name for path in (tmp_path / "guest").iterdir()}
    (tmp_path / "guest" / "2.jpg").unlink()
    if option == "--copy-to":
        (tmp_path / "guest" / ".2.jpg.part").write_bytes(b"half")
    assert find("guest.jpg", option, "guest").exit_code == 0
    assert {path.name for path in (tmp_path / "guest").iterdir()} == before
    assert contents(tmp_path / "guest") == contents(tmp_path / "photos")


def test_a_folder_with_other_files_is_refused(find: Find, tmp_path: Path) -> None:
    (tmp_path / "guest").mkdir()
    (tmp_path / "guest" / "own.txt").write_text("mine")
    result = find("guest.jpg", "--copy-to", "guest")
    assert result.exit_code == 4
    assert "guest has other files, such as own.txt" in result.output
    assert [path.name for path in (tmp_path / "guest").iterdir()] == ["own.txt"]


def test_a_file_in_the_folder_is_not_overwritten(find: Find, tmp_path: Path) -> None:
    (tmp_path / "guest").mkdir()
    (tmp_path / "guest" / "2.jpg").write_text("mine")
    result = find("guest.jpg", "--copy-to", "guest")
    assert result.exit_code == 4
    assert "2.jpg already exists, with other content" in result.output
    assert (tmp_path / "guest" / "2.jpg").read_text() == "mine"
    assert len(list((tmp_path / "guest").iterdir())) == 3


def test_missing_and_changed_photos_are_reported_and_the_others_copied(
    find: Find, tmp_path: Path
) -> None:
    (tmp_path / "photos" / "a" / "1.jpg").unlink()
    (tmp_path / "photos" / "b" / "2.jpg").write_bytes(fake_photo(fake_face("bob")))
    result = find("guest.jpg", "--copy-to", "guest")
    assert result.exit_code == 3
    assert "a/1.jpg does not exist" in result.output
    assert "b/2.jpg has changed since it was indexed" in result.output
    assert len(list((tmp_path / "guest").iterdir())) == 1


def test_doubtful_photos_are_copied_apart(find: Find, tmp_path: Path) -> None:
    result = find("guest.jpg", "--copy-to", "guest", "--doubtful-below", "0.99")
    assert "doubtful" in result.output
    certain = contents(tmp_path / "guest") - contents(tmp_path / "guest" / "doubtful")
    assert certain
    assert contents(tmp_path / "guest" / "doubtful")
    assert contents(tmp_path / "guest") == contents(tmp_path / "photos")


def test_photos_that_were_bytes_are_reported(find: Find, gallery: Gallery) -> None:
    named = fake_photo(fake_face("ann", away=0.2, shot=9))
    gallery.index("party", fake_photo(fake_face("ann", away=0.2)))
    gallery.index("party", named, photo_name="day 1/1.jpg")
    result = find("guest.jpg", "--copy-to", "guest")
    assert result.exit_code == 4
    assert result.output.count("is not kept: it was uploaded") == 2
    assert "upload://day 1/1.jpg is not kept" in result.output
    assert "3 photos copied" in result.output


def test_the_csv_file_has_every_face(find: Find, gallery: Gallery, tmp_path: Path) -> None:
    face = next(f for f in gallery.list_faces("party").faces if "a/1" in f.record.source)
    gallery.create_user("party", "ann", name='=1+1,"Ann"')
    gallery.associate_faces("party", "ann", [face.record.face_id])
    assert find("ann", "--csv", "ann.csv").exit_code == 0
    with (tmp_path / "ann.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row["person_name"] for row in rows} == {'\'=1+1,"Ann"', ""}
    assert all(Path(row["photo"]).is_file() for row in rows)
    again = find("ann", "--csv", "ann.csv")
    assert again.exit_code == 4
    assert "ann.csv already exists" in again.output
    assert not list(tmp_path.glob(".*.part"))


def test_the_contact_sheet_has_no_outside_address_and_escapes_names(
    find: Find, gallery: Gallery, tmp_path: Path
) -> None:
    name = "<script>alert(1)</script>"
    face = next(f for f in gallery.list_faces("party").faces if "a/1" in f.record.source)
    gallery.create_user("party", "ann", name=name)
    gallery.associate_faces("party", "ann", [face.record.face_id])
    assert find(name, "--html", "ann.html").exit_code == 0
    page = (tmp_path / "ann.html").read_text("utf-8")
    assert "<script" not in page
    assert "http" not in page
    assert page.count("<li>") == 3


def test_a_contact_sheet_shows_crops(gallery: Gallery, tmp_path: Path) -> None:
    page = gallery.find("party", tmp_path / "guest.jpg")
    with (tmp_path / "sheet.html").open("w") as file:
        write_contact_sheet(file, "Ann", page.found, (), lambda _: b"\xff\xd8")
    assert (tmp_path / "sheet.html").read_text().count('src="data:image/jpeg;base64,/9g="') == 3


def test_the_document_has_all_faces(find: Find) -> None:
    result = find("guest.jpg", "--json")
    document = json.loads(result.stdout)
    assert len(document["matches"]) == 3
    page = {**document, "next_token": None}
    doubtful = page.pop("doubtful_matches")
    assert doubtful == []
    assert violation("find-result", {**page, "doubtful": False}) is None


def test_the_table_says_how_many_there_are(find: Find) -> None:
    result = find("guest.jpg", "--doubtful-below", "0.99")
    assert "photos/a/1.jpg" in result.output
    assert "doubtful face" in result.output
    assert "less similar" in result.output


def test_a_name_that_is_also_a_file_is_refused(find: Find, gallery: Gallery) -> None:
    gallery.create_user("party", "guest.jpg")
    result = find("guest.jpg")
    assert result.exit_code == 4
    assert "write ./guest.jpg for the photo" in result.output
    assert find("./guest.jpg").exit_code == 0


@pytest.mark.parametrize(
    "words", [("--face-number", "1"), ("--min-confidence", "0.5"), ("--no-rotate",)]
)
def test_options_of_a_photo_are_wrong_usage_for_a_person(
    find: Find, gallery: Gallery, words: tuple[str, ...]
) -> None:
    gallery.create_user("party", "ann")
    assert find("ann").exit_code == 0
    result = find("ann", *words)
    assert result.exit_code == 2
    assert f"{words[0]} applies only to a photo" in result.output


def test_neither_a_photo_nor_a_person_is_one_line(find: Find, gallery: Gallery) -> None:
    gallery.create_user("party", "e-1", name="Zoë Müller")
    result = find("zoë")
    assert result.exit_code == 3
    assert "person 'zoë' does not exist; similar: e-1 (Zoë Müller)" in result.output
    # A path with a mistake.
    assert "there is no photo of this name either" in find("gest.jpg").output
    assert find("nowhere/ann.jpg").exit_code == 3
    shutil.rmtree("photos")
    assert find("guest.jpg", "--copy-to", "guest.jpg").exit_code == 4


def test_an_output_that_exists_is_refused_before_anything_is_written(
    find: Find, tmp_path: Path
) -> None:
    (tmp_path / "guest.csv").write_text("mine")
    result = find("guest.jpg", "--copy-to", "guest", "--csv", "guest.csv")
    assert result.exit_code == 4
    assert "guest.csv already exists" in result.output
    assert not (tmp_path / "guest").exists()
    assert find("guest.jpg", "--csv", "nowhere/guest.csv").exit_code == 4


def test_the_document_is_all_that_is_printed_beside_an_output(find: Find) -> None:
    result = find("guest.jpg", "--copy-to", "guest", "--json")
    assert len(json.loads(result.stdout)["matches"]) == 3
    assert result.stderr == "3 photos copied to guest\n"


def test_other_faces_of_the_photo_are_mentioned(find: Find, tmp_path: Path) -> None:
    pair = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6))
    (tmp_path / "pair.jpg").write_bytes(pair)
    result = find("pair.jpg", "--csv", "pair.csv")
    assert "1 other face of the photo not searched; see --face-number" in result.stderr
    assert "0 faces of pair.jpg" in find("pair.jpg", "--face-number", 2).stdout
    assert find("pair.jpg", "--face-number", 3).exit_code == 3


NAMES = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=300)
)


@given(NAMES)
def test_names_of_copies_are_distinct_and_stay_in_their_folder(keys: list[str]) -> None:
    sources = [f"s3://bucket/{key}" for key in keys]
    names = distinct_names(dict.fromkeys(sources), reserved={"doubtful"})
    assert list(names) == list(dict.fromkeys(sources))
    folded = [name.casefold() for name in names.values()]
    assert len(set(folded)) == len(folded)
    for name in names.values():
        assert name not in ("", ".", "..", "doubtful")
        assert "/" not in name
        assert len(name.encode("utf-8", "surrogateescape")) <= 255


@pytest.mark.parametrize(
    "words",
    [
        ("--copy-to", "out", "--link-to", "./out"),
        ("--csv", "out", "--html", "out"),
        ("--copy-to", "out", "--csv", "out"),
    ],
)
def test_two_outputs_of_one_name_are_refused_before_anything_is_written(
    find: Find, tmp_path: Path, words: tuple[str, ...]
) -> None:
    result = find("guest.jpg", *words)
    assert result.exit_code == 4
    assert f"{tmp_path}/out is given for two outputs" in result.stderr
    assert not (tmp_path / "out").exists()
