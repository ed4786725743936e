"""The commands of the page about people, on the example photos and the real networks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from facerec.core.registrations import Registration
from facerec.storage.sqlite import SqliteStore
from tests.support.command_line import ROOT, Facerec, document

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_name_an_unknown_person(
    facerec: Facerec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "people.md").read_text("utf-8")
    page = page.partition("## Unknown people")[2]
    commands = [line for block in BLOCK.findall(page) for line in block.splitlines()]
    printed = []
    for command in commands:
        words = shlex.split(command.removeprefix("$ facerec "))
        result = facerec(*words)
        assert result.exit_code == 0, result.output
        printed.append(result.stdout)
    _, suggested, named, shown = printed
    assert "c1" in suggested
    assert "examples/photos/barack-obama-1.jpg" in suggested
    assert named == "2 faces added to obama\n"
    assert shown.startswith("obama: 2 faces")


def test_a_cluster_can_be_ignored_and_suggested_again(facerec: Facerec, people: Path) -> None:
    del people
    suggest = ("people", "suggest", "--collection", "people", "--json")
    (cluster,) = document(facerec(*suggest))["clusters"]
    assert cluster["size"] == 2
    command = ("people", "ignore", "--collection", "people", cluster["cluster_id"])
    assert facerec(*command).exit_code == 0
    assert document(facerec(*suggest))["clusters"] == []
    shown = facerec("people", "cluster", "--collection", "people", cluster["cluster_id"])
    assert f"cluster {cluster['cluster_id']}: 2 faces, ignored" in shown.stdout
    assert all(face_id in shown.stdout for face_id in cluster["face_ids"])
    assert "no clusters" in facerec(*suggest[:-1]).stdout
    assert facerec(*command, "--lift").exit_code == 0
    assert document(facerec(*suggest))["clusters"] == [cluster]


def test_a_face_that_is_none_leaves_its_cluster(facerec: Facerec, people: Path) -> None:
    del people
    suggest = ("people", "suggest", "--collection", "people", "--json")
    (cluster,) = document(facerec(*suggest))["clusters"]
    command = ("people", "not-a-face", "--collection", "people", cluster["best_face_id"])
    assert facerec(*command).exit_code == 0
    assert document(facerec(*suggest))["clusters"] == []
    assert facerec(*command, "--lift").exit_code == 0
    assert document(facerec(*suggest))["clusters"] == [cluster]


def test_an_unknown_cluster_is_one_line(facerec: Facerec, people: Path) -> None:
    del people
    result = facerec("people", "name", "--collection", "people", "c9", "ann")
    assert result.exit_code != 0
    assert "cluster 'c9' does not exist" in result.output


def test_the_commands_of_the_page_register_a_person(facerec: Facerec) -> None:
    for words in (
        ("collections", "create", "staff"),
        ("people", "create", "--collection", "staff", "ann"),
    ):
        assert facerec(*words).exit_code == 0
    page = (ROOT / "docs" / "people.md").read_text("utf-8")
    section = page.partition("## Registered people")[2].partition("\n### ")[0]
    printed = []
    for command in (line for block in BLOCK.findall(section) for line in block.splitlines()):
        result = facerec(*shlex.split(command.removeprefix("$ facerec ")))
        assert result.exit_code == 0, result.output
        printed.append(result.stdout)
    registered, listed, events, unregistered = printed
    assert events == "no events\n"
    assert registered == "person ann registered until 2099-11-26 (consent of 2026-11-26)\n"
    assert "until 2099-11-26" in listed
    assert unregistered == "person ann is not registered now\n"
    history = facerec("people", "history", "--collection", "staff", "ann").stdout
    assert "ann no longer registered" in " ".join(history.split())


def test_an_expired_consent_is_refused_in_one_line_and_shown_as_expired(
    facerec: Facerec, data: Path
) -> None:
    for words in (
        ("collections", "create", "staff"),
        ("people", "create", "--collection", "staff", "ann"),
    ):
        assert facerec(*words).exit_code == 0
    person = ("--collection", "staff", "ann")
    result = facerec(
        "people", "register", *person, "--consent", "2020-01-01", "--expires", "2021-01-01"
    )
    assert result.exit_code != 0
    assert "the consent expired on 2021-01-01" in result.stderr
    with SqliteStore(data / "facerec.db") as store:
        store.set_registration("staff", "ann", Registration("2020-01-01", "2021-01-01"))
    assert "registration expired on 2021-01-01" in facerec("people", "show", *person).stdout
    assert "expired 2021-01-01" in facerec("people", "list", "--collection", "staff").stdout
    shown = document(facerec("people", "show", *person, "--json"))
    assert shown["registration"]["expired"] is True
