"""The rules of `--person-from`: how the photos of a folder or a manifest are named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli.deferred import factory
from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.cli.people_enrol import print_enrolment, require_no_external_ids
from facerec.core.derived_names import derived_user_id
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.enrolling import CorrectedPhoto, EndedRegistration, Enrolment
from facerec.gallery.people.enrolment_rules import NameOf
from facerec.jobs import person_names
from facerec.storage.objects import Objects
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

CSV = '\ufeffImage, Name \na.jpg,张伟\n/b.jpg,"Lee, Ann"\ns3://bucket/c.jpg,Bob\nd.jpg,\n'
JSONL = """{"image": "a.jpg", "name": "张伟"}
no json
{"image": "d.jpg"}
{"image": "/b.jpg", "name": 1}
"""


def name_rule(person_from: str, source: str) -> NameOf:
    return person_names.name_rule(person_from, source, Objects())


def test_photos_are_named_by_their_folders(tmp_path: Path) -> None:
    name_of = name_rule("folder", str(tmp_path))
    assert name_of(f"{tmp_path}/Ann Lee/1.jpg") == "Ann Lee"
    assert name_of(f"{tmp_path}/1.jpg") == ""
    assert name_rule("folder", "s3://bucket/members/")("s3://bucket/members/Ann/1.jpg") == "Ann"


def test_photos_are_named_by_a_pattern(tmp_path: Path) -> None:
    assert name_rule("pattern:{person}_*.jpg", str(tmp_path))(f"{tmp_path}/Ann_1.jpg") == "Ann"


@pytest.mark.parametrize("zipped", [False, True])
def test_photos_are_named_by_a_column(tmp_path: Path, zipped: bool) -> None:
    manifest = tmp_path / ("photos.csv.gz" if zipped else "photos.csv")
    content = CSV.encode()
    manifest.write_bytes(gzip.compress(content) if zipped else content)
    name_of = name_rule("column:name", str(manifest))
    assert name_of(f"{tmp_path}/a.jpg") == "张伟"
    assert name_of("/b.jpg") == "Lee, Ann"
    assert name_of("s3://bucket/c.jpg") == "Bob"
    assert name_of(f"{tmp_path}/d.jpg") == ""


def test_a_header_may_follow_blank_lines(tmp_path: Path) -> None:
    manifest = tmp_path / "photos.csv"
    manifest.write_text("\n \nimage,name\na.jpg,Ann\n", "utf-8")
    assert name_rule("column:name", str(manifest))(f"{tmp_path}/a.jpg") == "Ann"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photos.csv.gz", CSV.encode()),
        ("photos.csv.gz", gzip.compress(CSV.encode())[:-12]),
        ("photos.csv", b"image,name\na.jpg,Ann\n" + b"x" * 200_000 + b",Bob\n"),
    ],
    ids=["not compressed", "cut off", "long field"],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    manifest = tmp_path / name
    manifest.write_bytes(content)
    with pytest.raises(InvalidInputError, match=str(manifest)):
        name_rule("column:name", str(manifest))


def test_photos_are_named_by_lines_of_json(tmp_path: Path) -> None:
    manifest = tmp_path / "photos.jsonl"
    manifest.write_text(JSONL, "utf-8")
    name_of = name_rule("column:name", str(manifest))
    assert name_of(f"{tmp_path}/a.jpg") == "张伟"
    assert name_of("/b.jpg") == ""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("column:who", "has no column 'who'"),
        ("files", "unknown rule for the names of people: 'files'"),
        ("column:", "unknown rule"),
        ("pattern:*.jpg", "must contain {person} once"),
    ],
)
def test_a_wrong_rule_is_one_line(tmp_path: Path, rule: str, message: str) -> None:
    manifest = tmp_path / "photos.csv"
    manifest.write_text(CSV, "utf-8")
    with pytest.raises(InvalidInputError, match=message):
        name_rule(rule, str(manifest))


def test_a_photo_with_two_names_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "photos.csv"
    manifest.write_text("image,name\na.jpg,Ann\na.jpg,Ann\na.jpg,Bob\n")
    with pytest.raises(InvalidInputError, match=r"gives a photo two names: see line 4$"):
        name_rule("column:name", str(manifest))


def test_photos_that_have_ids_of_their_paths_are_not_indexed_a_second_time(tmp_path: Path) -> None:
    gallery = Collaborators.in_folder(tmp_path).gallery()
    name_of = name_rule("folder", str(tmp_path))
    require_no_external_ids(gallery, "club", name_of)
    gallery.create_collection("club")
    photo = tmp_path / "Ann" / "1.jpg"
    photo.parent.mkdir()
    photo.write_bytes(fake_photo(fake_face("ann")))
    gallery.index("club", fake_photo(fake_face("bob")), external_image_id="bob")
    gallery.index("club", photo)
    require_no_external_ids(gallery, "club", name_of)
    gallery.index("club", photo, external_image_id="Ann:1.jpg")
    with pytest.raises(InvalidInputError, match="was already indexed"):
        require_no_external_ids(gallery, "club", name_of)


@pytest.mark.parametrize("rule", ["folder", "pattern:{person}/*", "column:name"])
@pytest.mark.parametrize("source", ["nowhere", "nowhere/", "members/nowhere", "nowhere.csv"])
def test_a_source_that_does_not_exist_is_refused(tmp_path: Path, rule: str, source: str) -> None:
    (tmp_path / "members").mkdir()
    with pytest.raises(ObjectNotFoundError, match="nowhere"):
        name_rule(rule, f"{tmp_path}/{source}")


def test_a_manifest_gives_no_names_to_other_photos_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "photos.txt").write_text("members/Ann/1.jpg\n")
    name_of = name_rule("folder", str(tmp_path / "photos.txt"))
    assert name_of(f"{tmp_path}/members/Ann/1.jpg") == "members/Ann"
    assert name_of(f"{tmp_path}/members/Bob/1.jpg") is None


def test_a_photo_gives_no_names_to_other_photos_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "Ann_1.jpg").write_bytes(fake_photo(fake_face("ann")))
    name_of = name_rule("pattern:{person}_*.jpg", str(tmp_path / "Ann_1.jpg"))
    assert name_of(f"{tmp_path}/Ann_1.jpg") == "Ann"
    assert name_of(f"{tmp_path}/Bob_1.jpg") is None


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """The collection ``club`` with two people of folders in ``members``; Ann is registered."""
    gallery = Collaborators.in_folder(tmp_path / "data").gallery()
    monkeypatch.setattr(factory, "open_gallery", lambda *_: gallery)
    monkeypatch.chdir(tmp_path)
    gallery.create_collection("club")
    for name in ("Ann", "Bob"):
        photo = tmp_path / "members" / name / "1.jpg"
        photo.parent.mkdir(parents=True)
        photo.write_bytes(fake_photo(fake_face(name)))
        gallery.index("club", photo)
    result = CliRunner().invoke(main, ["people", "enrol", "members", "--collection", "club"])
    assert result.exit_code == 0, result.output
    gallery.register_user("club", "Ann", consent="2020-01-01", expires="2099-01-01")
    for folder in ("empty", "hidden/.trash", "other/Zoe"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "hidden" / ".trash" / "1.jpg").write_bytes(fake_photo(fake_face("Ann")))
    (tmp_path / "other" / "Zoe" / "1.jpg").write_bytes(fake_photo(fake_face("zoe")))
    (tmp_path / "group.jpg").write_bytes(fake_photo(fake_face("zoe")))
    (tmp_path / "notes.txt").write_text("call Zoe\n")
    (tmp_path / "notes.jsonl").write_text('{"image": "group.jpg", "name": 1}\n')
    return gallery


@pytest.mark.parametrize(
    ("source", "rule", "code", "message"),
    [
        ("nowhere", "folder", ExitCode.NOT_FOUND, "nowhere does not exist"),
        ("nowhere/", "pattern:{person}/*/*.jpg", ExitCode.NOT_FOUND, "nowhere does not exist"),
        ("nowhere/members", "folder", ExitCode.NOT_FOUND, "members does not exist"),
        ("photos.csv", "folder", ExitCode.NOT_FOUND, "photos.csv does not exist"),
        ("photos.csv", "column:name", ExitCode.NOT_FOUND, "photos.csv does not exist"),
        ("empty", "folder", ExitCode.INVALID_INPUT, "empty contains no photos"),
        ("hidden", "folder", ExitCode.INVALID_INPUT, "hidden contains no photos"),
        ("other", "folder", ExitCode.INVALID_INPUT, "no photo of collection 'club' has a name"),
        ("group.jpg", "folder", ExitCode.INVALID_INPUT, "no photo of collection 'club'"),
        ("notes.txt", "folder", ExitCode.INVALID_INPUT, "no photo of collection 'club'"),
        ("notes.jsonl", "column:name", ExitCode.INVALID_INPUT, "no photo of collection 'club'"),
    ],
)
def test_a_source_without_indexed_photos_changes_nobody(
    club: Gallery, source: str, rule: str, code: ExitCode, message: str
) -> None:
    before = club.list_users("club").users, club.list_history("club").entries
    words = ["people", "enrol", source, "--collection", "club", "--person-from", rule]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert (club.list_users("club").users, club.list_history("club").entries) == before


def test_people_of_a_folder_that_became_empty_stay(club: Gallery, tmp_path: Path) -> None:
    (tmp_path / "members").rename(tmp_path / "unmounted")
    (tmp_path / "members").mkdir()
    before = club.list_users("club").users
    words = ["people", "enrol", "members", "--collection", "club"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "check that its disk is mounted" in result.stderr
    assert club.list_users("club").users == before


def test_what_is_printed_has_names_in_their_own_script(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = [derived_user_id(name) for name in ("Eileen Collins", "张伟")]
    corrected = CorrectedPhoto("/members/1.jpg", earlier=ids[1], user_id=ids[0])
    ended = (EndedRegistration(ids[1], ids[0]), EndedRegistration(ids[1], None))
    print_enrolment(
        Enrolment("club", 1, 0, 1, 0, (corrected,), (ids[1],), (), ended, 4, ("/a.jpg", "/b.jpg"))
    )
    shown = capsys.readouterr().out
    assert "the registration of 张伟 is now that of Eileen Collins" in shown
    assert "the registration of 张伟 is lost: register the person again" in shown
    assert "4 photos of the source got no name by this rule: /a.jpg, /b.jpg, ..." in shown
    assert "1.jpg: Eileen Collins instead of 张伟" in shown
    named = CorrectedPhoto("/members/1.jpg", earlier=ids[1], user_id="e-17", name="Zoë Fox")
    print_enrolment(Enrolment("club", 1, 0, 1, 0, (named,), (), (), (), 0, ()))
    assert "1.jpg: Zoë Fox instead of 张伟" in capsys.readouterr().out
    assert "person 张伟 has no photo any more" in shown
