"""Jobs of a stack create people from the names of their photos, and so does the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

import facerec.factory.engines
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.errors import (
    ConflictError,
    DeletedCollectionError,
    FacerecError,
    ReceiptDamagedError,
    UserExistsError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.erasure import handler
from tests.support.workflow.stack import BUCKET, Ended, Stack

MEMBERS = f"s3://{BUCKET}/members/"


@pytest.fixture
def stack(deploy: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack with photos of two people, each in a folder of that name."""
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    handler._gallery.cache_clear()
    stack = deploy()
    for number in range(3):
        put(stack, f"张伟/{number}.jpg", "zhang")
        put(stack, f"Ann Lee/{number}.jpg", "ann")
    return stack


def put(stack: Stack, path: str, *people: str, note: str = "") -> None:
    """Put a photo of people, which is a copy of no other one unless they have the same note."""
    faces = [fake_face(each, left=0.1 + 0.3 * place) for place, each in enumerate(people)]
    stack.put(f"members/{path}", fake_photo(*faces, note=note or path))


def index(
    stack: Stack, source: str = MEMBERS, person_from: str = "folder", **more: object
) -> Ended:
    return stack.index(source, person_from=person_from, **more)


def people(stack: Stack) -> dict[str, list[str]]:
    """Return the photos of each person by name, below the folder of the members."""
    with SqliteStore(stack.store) as store:
        sources = {
            face.face_id: face.source.removeprefix(MEMBERS) for face in store.all_faces("staff")
        }
        return {
            user.name or user.user_id: sorted(sources[face_id] for face_id in user.face_ids)
            for user in store.list_users("staff", limit=100)
        }


def enrolled(stack: Stack, ended: Ended) -> dict[str, int]:
    report = stack.read_json(ended.output["report"])
    assert violation("report", report) is None
    assert ended.output["enrolled"] == report["enrolled"]
    return {name: count for name, count in report["enrolled"].items() if count and name != "run"}


def test_a_job_creates_a_person_of_each_folder(stack: Stack) -> None:
    ended = index(stack)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.states[-6:] == [
        *("Enrol", "Enrolled", "WhereToReport", "Report", "Judged", "Succeeded")
    ]
    assert enrolled(stack, ended) == {"people": 2, "created": 2, "associated": 6}
    assert people(stack) == {
        "张伟": [f"张伟/{number}.jpg" for number in range(3)],
        "Ann Lee": [f"Ann Lee/{number}.jpg" for number in range(3)],
    }


def test_bystanders_get_no_name(stack: Stack) -> None:
    put(stack, "Ann Lee/3.jpg", "somebody else", "ann")
    put(stack, "Ann Lee/4.jpg", "a stranger")

    ended = index(stack)

    assert enrolled(stack, ended) == {"people": 2, "created": 2, "associated": 7, "unnamed": 1}
    assert "Ann Lee/4.jpg" not in people(stack)["Ann Lee"]


def test_a_photo_under_a_corrected_name_leaves_the_wrong_person(stack: Stack) -> None:
    put(stack, "Anne/9.jpg", "ann", note="moved")
    index(stack)
    assert people(stack)["Anne"] == ["Anne/9.jpg"]
    stack.s3.delete_object(Bucket=BUCKET, Key="members/Anne/9.jpg")
    put(stack, "Ann Lee/9.jpg", "ann", note="moved")

    ended = index(stack, prune=True)

    assert ended.status == "SUCCEEDED", ended.cause
    counts = {"people": 2, "associated": 1, "unchanged": 6, "corrected": 1, "deleted": 1}
    assert enrolled(stack, ended) == counts
    assert "Ann Lee/9.jpg" in people(stack)["Ann Lee"]
    assert "Anne" not in people(stack)


def test_each_start_of_a_job_enrols_people_again(stack: Stack, command_line: CliRunner) -> None:
    index(stack)
    with SqliteStore(stack.store) as store:
        store.delete_user("staff", "Ann.x20Lee")
    assert list(people(stack)) == ["张伟"]

    ended = index(stack)

    assert ended.output["photos"] == 6
    assert enrolled(stack, ended) == {"people": 2, "created": 1, "associated": 3, "unchanged": 3}
    # Without a rule, nobody is created.
    assert "Enrol" not in stack.index(MEMBERS, external_ids="none").states


def test_names_are_in_a_column_of_a_manifest(stack: Stack) -> None:
    lines = ["image,name", "members/张伟/0.jpg,Zhang Wei", "members/Ann Lee/0.jpg,Ann"]
    manifest = stack.put("staff.csv", "\n".join(lines).encode())
    index(stack, manifest, "column:name")
    assert people(stack) == {"Zhang Wei": ["张伟/0.jpg"], "Ann": ["Ann Lee/0.jpg"]}
    # Of a longer manifest, the job reads only the new lines.
    stack.put("staff.csv", "\n".join([*lines, "members/Ann Lee/1.jpg,Ann"]).encode())

    ended = index(stack, manifest, "column:name")

    assert enrolled(stack, ended) == {"people": 2, "associated": 1, "unchanged": 2}


@pytest.mark.parametrize(
    ("source", "fields", "cause"),
    [
        (MEMBERS, {"person_from": "column:name"}, "the source has no column 'name'"),
        ("staff.csv", {"person_from": "column:who"}, "has no column 'who'"),
        (MEMBERS, {"person_from": "pattern:*.jpg"}, "must contain {person} once"),
        (MEMBERS, {"person_from": "names"}, "person_from"),
        (
            MEMBERS,
            {"person_from": "folder", "external_ids": "path"},
            "person_from requires photos without external image ids",
        ),
    ],
)
def test_a_rule_that_does_not_suit_the_photos_is_refused_before_the_job(
    stack: Stack, source: str, fields: dict[str, str], cause: str
) -> None:
    manifest = stack.put("staff.csv", b"image,name\nmembers/Ann Lee/0.jpg,Ann\n")
    ended = stack.index(manifest if source == "staff.csv" else source, **fields)
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert cause in ended.cause
    assert ended.states == ["Plan", "Planned", "Refused"]


def test_a_dry_run_refuses_such_a_rule_too(stack: Stack, command_line: CliRunner) -> None:
    words = ["jobs", "start", MEMBERS, "--collection", "staff", "--stack", "s", "--dry-run"]
    result = command_line.invoke(main, [*words, "--person-from", "column:name"])
    assert result.exit_code == 4, result.output
    assert "the source has no column 'name'" in result.stderr


def test_photos_with_ids_of_their_paths_are_not_indexed_a_second_time(stack: Stack) -> None:
    stack.index(MEMBERS)
    ended = index(stack)
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert f"a photo of {MEMBERS} was already indexed with an external image id" in ended.cause
    assert "张伟" not in ended.cause
    assert "Ann" not in ended.cause
    assert len(stack.face_ids()) == 6


def test_names_that_cannot_be_used_end_a_job_whose_photos_are_indexed(stack: Stack) -> None:
    lines = "image,name\nmembers/Ann Lee/0.jpg,Ann\nmembers/Ann Lee/0.jpg,Bob\n"
    manifest = stack.put("staff.csv", lines.encode())

    ended = index(stack, manifest, "column:name")

    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert ended.cause == f"{manifest} gives a photo two names: see line 3"
    assert len(stack.face_ids()) == 1
    assert people(stack) == {}


@pytest.mark.parametrize(
    "error", [ConflictError("Ann Lee"), UserNotFoundError("Ann_Lee"), UserExistsError("Ann_Lee")]
)
def test_an_enrolment_that_fails_is_tried_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, error: FacerecError
) -> None:
    enrol_people, attempts = Gallery.enrol_people, list[str]()

    def fail_once(gallery: Gallery, *args: object) -> object:
        attempts.append("")
        if len(attempts) == 1:
            raise error
        return enrol_people(gallery, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Gallery, "enrol_people", fail_once)

    ended = index(stack)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(people(stack)) == 2


@pytest.mark.parametrize(
    "error",
    [DeletedCollectionError("staff"), ReceiptDamagedError("e1")],
    ids=lambda error: type(error).__name__,
)
def test_an_enrolment_that_can_never_succeed_is_refused_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, error: FacerecError
) -> None:
    attempts = list[str]()

    def fail(gallery: Gallery, *args: object) -> object:
        attempts.append("")
        raise error

    monkeypatch.setattr(Gallery, "enrol_people", fail)

    ended = index(stack)

    assert (ended.status, ended.error) == ("FAILED", type(error).__name__)
    assert ended.cause == error.message
    assert ended.states[-3:] == ["Enrol", "Enrolled", "NotEnrolled"]
    assert len(attempts) == 1


def test_no_name_of_a_person_is_in_a_job_folder_or_an_answer_that_is_kept(stack: Stack) -> None:
    lines = ["image,name", "members/张伟/0.jpg,Zhang Secret", "members/Ann Lee/0.jpg,Ann Secret"]
    manifest = stack.put("staff.csv", "\n".join(lines).encode())
    ended = index(stack, manifest, "column:name")
    assert len(people(stack)) == 2
    assert "Secret" not in json.dumps(ended.output)
    for key in stack.keys("jobs/"):
        assert b"Secret" not in stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_the_command_line_enrols_people_in_a_stack(stack: Stack, command_line: CliRunner) -> None:
    stack.index(MEMBERS)
    put(stack, "Ann Lee/4.jpg", "a stranger")
    stack.index(MEMBERS)
    words = ["people", "enrol", MEMBERS, "--collection", "staff", "--stack", "s"]

    result = command_line.invoke(main, [*words, "--by", "zoe", "--json"])

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert violation("enrolment", document) is None
    assert (document["people"], document["created"], document["associated"]) == (2, 2, 6)
    assert [photo["problem"] for photo in document["unnamed"]] == ["UNLIKE"]
    with SqliteStore(stack.store) as store:
        assert {each.cause.by for each in store.list_history("staff", limit=10)} == {"zoe"}
    shown = command_line.invoke(main, words).stdout
    assert "2 people, 0 of them new: 0 faces added, 6 unchanged" in shown
    assert "no face resembles the other photos of Ann Lee" in shown


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("members/", "--collection", "staff"), 4, "is not an s3:// address"),
        ((MEMBERS, "--collection", "nowhere"), 3, "nowhere"),
        ((MEMBERS, "--collection", "staff", "--person-from", "names"), 4, "unknown rule"),
        ((f"s3://{BUCKET}/members", "--collection", "staff"), 3, "members does not exist"),
        ((f"s3://{BUCKET}/nowhere", "--collection", "staff"), 3, "nowhere does not exist"),
        ((f"s3://{BUCKET}/nowhere/", "--collection", "staff"), 4, "contains no photos"),
        ((f"s3://{BUCKET}/others/", "--collection", "staff"), 4, "no photo of collection 'staff'"),
        ((f"s3://{BUCKET}/notes.txt", "--collection", "staff"), 4, "no photo of collection"),
    ],
)
def test_what_cannot_be_enrolled_in_a_stack_is_one_line(
    stack: Stack, command_line: CliRunner, words: tuple[str, ...], code: int, message: str
) -> None:
    stack.index(MEMBERS)
    stack.put("others/Ann/1.jpg", b"a photo")
    stack.put("notes.txt", b"call Ann\n")
    result = command_line.invoke(main, ["people", "enrol", *words, "--stack", "s"])
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert people(stack) == {}
