"""Collections of a stack are managed and searched by the commands that do so on one machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.errors import StoreUnavailableError
from facerec.storage.s3vectors.vector_store import S3Vectors
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler as erasing
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import deploy_with_stores, open_api_gallery

Facerec = Callable[..., str]


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    del vectors
    yield deploy_with_stores(deploy, monkeypatch)
    erasing._gallery.cache_clear()


@pytest.fixture
def facerec(stack: Stack, command_line: CliRunner, tmp_path: Path) -> Iterator[Facerec]:
    """Return a function that runs a command on the stack, and returns what it prints."""

    def run(*words: object) -> str:
        result = command_line.invoke(main, [str(word) for word in words], input="y\n")
        assert result.exit_code == 0, result.output
        return result.stdout

    yield run
    assert stack.permissions.denied == []
    assert not (tmp_path / "unused").exists()


def document(text: str, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert violation(schema, found) is None
    return found


def test_a_collection_is_created_listed_changed_and_deleted(facerec: Facerec) -> None:
    assert "no collections yet" in facerec("collections", "list")
    created = facerec("collections", "create", "staff", "--expire-after", "30d", "--json")
    assert document(created, "collection")["collection_id"] == "staff"
    (listed,) = document(facerec("collections", "list", "--json"), "collection-list")["collections"]
    assert (listed["collection_id"], listed["retention_days"]) == ("staff", 30)
    assert "threshold 0.93" in facerec("collections", "set-threshold", "staff", "0.93")
    assert open_api_gallery().describe_collection("staff").collection.threshold == 0.93
    deleted = facerec("collections", "delete", "staff", "--json")
    assert document(deleted, "receipt")["status"] == "DONE"
    assert open_api_gallery().list_collections().collections == ()


def test_an_operation_of_another_release_is_refused_and_raises_no_alarm(stack: Stack) -> None:
    del stack
    event = {"operation": "of_a_later_release", "collection": "", "returns_refusals": True}
    refused = erasing.handler(event, None)["refused"]
    assert "it has no 'of_a_later_release'" in refused["message"]
    assert refused["hint"] == "update the stack to this release"


def test_hints_of_an_interrupted_deletion_name_what_completes_it_on_a_stack(
    facerec: Facerec, command_line: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailableError("the vectors are gone", "try again")

    facerec("collections", "create", "staff")
    monkeypatch.setattr(S3Vectors, "delete_namespace", fail)
    failed = command_line.invoke(main, ["collections", "delete", "staff", "--yes"])
    assert failed.exit_code == ExitCode.ERROR
    refused = command_line.invoke(main, ["collections", "create", "staff"])
    for output in (refused.output, facerec("collections", "list")):
        assert "the stack completes it in its next hourly run" in output
        assert "erasures resume" not in output


def test_photos_of_somebody_are_found_copied_and_matched(
    facerec: Facerec, stack: Stack, tmp_path: Path
) -> None:
    for person, shots in {"ann": 2, "bob": 1}.items():
        for shot in range(shots):
            photo = fake_photo(fake_face(person, away=0.05 * shot, shot=shot))
            stack.put(f"photos/{person}-{shot}.jpg", photo)
    assert stack.index(f"s3://{BUCKET}/photos/").status == "SUCCEEDED"
    probe = tmp_path / "probe.jpg"
    probe.write_bytes(fake_photo(fake_face("ann", away=0.05, shot=7)))

    matched = document(facerec("match", probe, "--collection", "staff", "--json"), "match-result")
    sources = {match["face"]["source"] for match in matched["faces"][0]["matches"]}
    expected = {f"s3://{BUCKET}/photos/ann-{shot}.jpg" for shot in range(2)}
    assert sources == expected

    copied = tmp_path / "ann"
    facerec("find", probe, "--collection", "staff", "--copy-to", copied)
    assert len(list(copied.rglob("*.jpg"))) == 2

    assert "the collection has all of them" in facerec("verify", "staff")
    assert "stats of 0 faces" in facerec("collections", "refresh-stats", "staff")
    listed = document(facerec("faces", "list", "--collection", "staff", "--json"), "face-list")
    first, *_ = (face["face_id"] for face in listed["faces"])
    facerec("people", "create", "--collection", "staff", "bea")
    facerec("faces", "not-same", "--collection", "staff", first, "bea")
    assert first in facerec("faces", "corrections", "--collection", "staff")
    assert "1 face deleted" in facerec("faces", "delete", "--collection", "staff", first)
    assert "facerec jobs start --restore-deleted" in facerec("verify", "staff")
    assert first not in facerec("faces", "list", "--collection", "staff")

    found = json.loads(facerec("calibrate", "--collection", "staff", "--json"))
    assert found["model_version"] == matched["model_version"]
