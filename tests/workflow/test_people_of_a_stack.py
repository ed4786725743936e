"""The people of a stack are listed and changed by the commands that do so on one machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler as erasing
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import deploy_with_stores, open_api_gallery

Facerec = Callable[..., Result]


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with three photos of Ann and two of Bob, whom nobody has named."""
    stack = deploy_with_stores(deploy, monkeypatch, EVENT_BUS="arn:aws:events:us-east-1:1:bus")
    stack.permissions.conditions |= {"Matching"}
    for person, shots in {"ann": 3, "bob": 2}.items():
        for shot in range(shots):
            photo = fake_photo(fake_face(person, away=0.05 * shot, shot=shot))
            stack.put(f"photos/{person}-{shot}.jpg", photo)
    assert stack.index(f"s3://{BUCKET}/photos/").status == "SUCCEEDED"
    yield stack
    erasing._gallery.cache_clear()


@pytest.fixture
def people(stack: Stack, command_line: CliRunner, tmp_path: Path) -> Iterator[Facerec]:
    """Return a function that runs a command for people of the stack."""

    def run(command: str, *words: str) -> Result:
        line = ["people", command, "--collection", "staff", *words]
        return command_line.invoke(main, line, input="y\n")

    yield run
    assert stack.permissions.denied == []
    assert not (tmp_path / "unused").exists()


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def document(result: Result, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(result))
    assert violation(schema, found) is None
    return found


def faces_of(person: str) -> list[str]:
    page = open_api_gallery().list_faces("staff", limit=100)
    return [face.record.face_id for face in page.faces if f"/{person}-" in face.record.source]


def test_people_are_created_listed_shown_renamed_and_deleted(people: Facerec) -> None:
    assert "collection staff has no people" in done(people("list"))
    assert document(people("create", "ann", "--json"), "person")["user_id"] == "ann"
    added = people("add", "ann", *faces_of("ann"), "--json")
    assert len(document(added, "association")["changed"]) == 3
    assert "person ann is Ann Müller now" in done(people("rename", "ann", "Ann Müller"))
    listed = document(people("list", "--json", "--name-contains", "müller"), "person-list")
    assert [(each["name"], each["face_count"]) for each in listed["people"]] == [("Ann Müller", 3)]
    shown = done(people("show", "Ann Müller"))
    assert "Ann Müller (ann): 3 faces, active" in shown
    assert all(face_id in shown for face_id in faces_of("ann"))
    assert "1 face removed" in done(people("remove", "ann", faces_of("ann")[0]))
    deleted = people("delete", "Ann Müller")
    assert "delete person Ann Müller, but keep 2 faces?" in deleted.stderr
    assert "person Ann Müller deleted; 2 faces stay" in done(deleted)
    assert open_api_gallery().list_users("staff").users == ()


def test_people_are_merged_split_and_found_by_their_faces(people: Facerec, tmp_path: Path) -> None:
    ann, bob = faces_of("ann"), faces_of("bob")
    for user_id, faces in {"ann": ann[:2], "ann-2": ann[2:], "bob": bob}.items():
        done(people("create", user_id))
        done(people("add", user_id, *faces))
    merged = document(people("merge", "ann", "ann-2", "--json"), "person")
    assert sorted(merged["face_ids"]) == sorted(ann)
    split = document(people("split", "ann", "bea", ann[0], "--json"), "person")
    assert split["face_ids"] == [ann[0]]
    matched = document(people("match", "--person", "bea", "--json"), "people-match-result")
    assert matched["matches"][0]["person"]["user_id"] == "ann"
    assert "bob" in done(people("match", "--face", bob[0]))
    (tmp_path / "probe.jpg").write_bytes(fake_photo(fake_face("bob", away=0.05, shot=9)))
    assert "bob" in done(people("match", str(tmp_path / "probe.jpg")))


def test_changes_have_a_history_and_can_be_undone(people: Facerec) -> None:
    done(people("create", "ann", "--by", "zoe", "--why", "a new member"))
    page = document(people("history", "--json"), "history")
    (entry,) = page["entries"]
    assert (entry["by"], entry["why"]) == ("zoe", "a new member")
    assert "create: ann created" in done(people("history", "ann"))
    done(people("rename", "ann", "Ann Müller"))
    assert "create: Ann Müller created" in done(people("history", "ann"))
    assert "Ann Müller" in done(people("undo", newest_entry(people)))
    undone = document(people("undo", entry["entry_id"], "--json"), "history-entry")
    assert undone["undoes"] == entry["entry_id"]
    assert "has no people" in done(people("list"))


def newest_entry(people: Facerec) -> str:
    page = document(people("history", "--json"), "history")
    return str(page["entries"][0]["entry_id"])


def test_people_are_registered_and_their_events_listed(people: Facerec) -> None:
    done(people("create", "ann"))
    days = ("--consent", "2026-11-26", "--expires", "2099-11-26")
    assert "registered until 2099-11-26" in done(people("register", "ann", *days))
    assert "until 2099-11-26" in done(people("list"))
    assert document(people("events", "--json", "--retry"), "match-event-list")["events"] == []
    assert "not registered now" in done(people("unregister", "ann"))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("show", "nobody"), 3, "nobody"),
        (("create", "ann"), 4, "ann"),
        (("merge", "ann", "ann"), 4, "ann"),
        (("undo", "20260102T030405123456Z-0f3c"), 3, "20260102T030405123456Z-0f3c"),
        (("match", "photo.jpg"), 3, "photo.jpg"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    people: Facerec, words: tuple[str, ...], code: int, message: str
) -> None:
    done(people("create", "ann"))
    result = people(*words)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in result.stderr.splitlines()[0]
    assert len(result.stderr.splitlines()) <= 2
