"""Causes of executions and problem documents give no advice about the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from facerec.api.rest.problems import handle_problems
from facerec.cli.exit_codes import HINTS
from facerec.config import Settings
from facerec.core.protocols.records import RecordStore
from facerec.errors import (
    ConfigurationError,
    FacerecError,
    JobFolderError,
    NoCredentialsError,
    ServiceDeniedError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)
from facerec.storage.sqlite import SqliteStore
from lambdas.plan.handler import plan_execution
from tests.support.error_examples import ERRORS, example_of
from tests.support.memory_objects import MemoryObjects
from tests.support.workflow.stack import BUCKET, Ended, Stack

COMMAND_LINE = re.compile(r"\bfacerec [a-z]|`|(?<!\S)--?[a-z]")
"""A command, or an option, of the command line."""

FOR_OPERATORS = (
    ConfigurationError,
    JobFolderError,
    NoCredentialsError,
    ServiceDeniedError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)
"""Errors whose message is about the machine of the server; clients see another one."""


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_a_problem_document_names_no_command(kind: type[FacerecError]) -> None:
    app, error = FastAPI(), example_of(kind)
    handle_problems(app)

    @app.get("/")
    def fail() -> None:
        raise error

    answer = TestClient(app).get("/")

    assert answer.status_code >= 400
    if not issubclass(kind, FOR_OPERATORS):
        assert error.message in answer.json()["detail"]
    assert not COMMAND_LINE.search(answer.text)


def refusals() -> list[type[FacerecError]]:
    """Return the classes that refuse an input; another attempt may succeed after the other one."""
    return [kind for kind in ERRORS if not issubclass(kind, StoreUnavailableError)]


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_the_cause_of_a_refusal_names_no_command(kind: type[FacerecError]) -> None:
    error, objects = example_of(kind), MemoryObjects()
    objects.content["s3://bucket/photos.txt"] = b"s3://bucket/a.jpg\n"

    def open_records() -> RecordStore:
        raise error

    result = plan_execution(
        {"collection_id": "staff", "manifest": "s3://bucket/photos.txt"},
        "run-1",
        Settings(bucket="bucket", model_version="fake-1"),
        objects,
        open_records,
    )

    assert result["error"] == kind.__name__
    assert error.message in result["cause"]
    assert not COMMAND_LINE.search(result["cause"])
    assert "\n" not in result["cause"]


PHOTO = f"s3://{BUCKET}/photos/Ann.Smith.jpg"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"images": [{"uri": PHOTO, "external_image_id": "Ann.Smith", "person": "Ann Smith"}]},
            "images[0]: 'image' is a required property",
        ),
        (
            {"images": [{"image": PHOTO, "external_image_id": "Ann Smith <ann@x>"}]},
            "images[0].external_image_id: the value does not match",
        ),
        ({"images": [{"image": PHOTO, "person": "Ann Smith"}]}, "unknown fields: 'person'"),
        ({"images": [{"image": PHOTO, "Ann Smith": 1}]}, "images[0]: unknown fields: 1"),
        ({"images": [["Ann Smith"]]}, "images[0]: the value is not valid"),
        ({"images": ["photos/Ann.Smith.jpg"]}, "images[0] is not an s3:// address"),
        ({"manifest": "Ann.Smith.jpg"}, "manifest is not an s3:// address"),
        ({"manifest": PHOTO}, "manifest does not exist"),
        ({"manifest": f"s3://{BUCKET}/all.jsonl", "Ann Smith": PHOTO}, "unknown fields: 1"),
    ],
)
def test_the_cause_of_a_refusal_names_the_field_and_nobody(
    given: dict[str, object], said: str, tmp_path: Path
) -> None:
    objects = MemoryObjects()
    with SqliteStore(tmp_path / "store.sqlite") as records:
        result = plan_execution(
            {"collection_id": "staff", **given},
            "run-1",
            Settings(bucket=BUCKET, model_version="fake-1"),
            objects,
            lambda: records,
        )

    assert result["refused"]
    assert said in result["cause"]
    (kept,) = objects.content.values()
    for text in (result["cause"], kept.decode()):
        assert "Ann" not in text
        assert "ann@x" not in text


def of_an_unknown_collection(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index(stack.put_manifest(1), create_collection=False)


def of_another_model(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Ended:
    manifest = stack.put_manifest(1)
    stack.index(manifest)
    monkeypatch.setenv("MODEL_VERSION", "fake-2")
    return stack.index(manifest)


def of_an_empty_manifest(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index(stack.put("empty.jsonl", b""))


def of_a_missing_manifest(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index(f"s3://{BUCKET}/none.jsonl")


def of_a_path_of_a_machine(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index("photos/all.jsonl")


def of_an_unknown_field(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index(f"s3://{BUCKET}/all.jsonl", colour=1)


def of_unreadable_photos(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    return stack.index(stack.put_manifest(3, readable=False))


def of_a_broken_engine(stack: Stack, _monkeypatch: pytest.MonkeyPatch) -> Ended:
    stack.accidents.broken = {(0, attempt) for attempt in range(20)}
    return stack.index(stack.put_manifest(3))


@pytest.mark.parametrize(
    ("execution", "error"),
    [
        (of_an_unknown_collection, "CollectionNotFoundError"),
        (of_another_model, "ModelMismatchError"),
        (of_an_empty_manifest, "InvalidInputError"),
        (of_a_missing_manifest, "ObjectNotFoundError"),
        (of_a_path_of_a_machine, "InvalidInputError"),
        (of_an_unknown_field, "InvalidInputError"),
        (of_unreadable_photos, "TooManyFailures"),
        (of_a_broken_engine, "JobIncomplete"),
    ],
)
def test_the_cause_of_a_failed_execution_names_no_command(
    execution: Callable[[Stack, pytest.MonkeyPatch], Ended],
    error: str,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = execution(stack, monkeypatch)

    assert (ended.status, ended.error) == ("FAILED", error)
    assert ended.cause
    assert not COMMAND_LINE.search(ended.cause)


def test_the_advice_of_the_command_line_is_recognised() -> None:
    advice = [*HINTS.values(), "add --stack NAME", "see facerec collections list"]
    assert all(COMMAND_LINE.search(each) for each in advice)
