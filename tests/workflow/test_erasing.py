"""Erasures on AWS: the API notes them, and a function reaches every job folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

import facerec.factory.engines
from facerec.cli.main import main
from facerec.config import read_settings
from facerec.core.erasures import ErasureStatus, Receipt, SubjectKind
from facerec.core.ids import group_of
from facerec.core.schemas import violation
from facerec.errors import (
    ConflictError,
    FacerecError,
    ModelMismatchError,
    StoreUnavailableError,
)
from facerec.factory import open_deployed_gallery
from facerec.factory.erasures import open_erasures
from facerec.gallery.gallery import Gallery
from facerec.gallery.operations.retention import SECONDS_OF_DAY
from facerec.jobs.erasure_check.check import (
    EARLIER_COLLECTION,
    Remainder,
    erase_and_check,
    find_remainders,
)
from facerec.jobs.erasure_check.traces import CheckedStores, collect_traces
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from lambdas.erasure import handler
from tests.support.stack_template import function_environment
from tests.support.workflow.stack import BUCKET, Stack

ANN = "line:3"


@pytest.fixture
def stack(deploy: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack whose API has noted no erasure yet, and whose asynchronous invocations wait."""
    assert function_environment("ApiFunction")["ERASURE_FUNCTION"] == {"Ref": "ErasureFunction"}
    monkeypatch.setattr(facerec.factory.engines, "open_deployed_engine", lambda *_: FakeEngine())
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    handler._gallery.cache_clear()
    stack = deploy()
    stack.held = []
    stack.index(stack.put_manifest(60), images_per_child=20)
    stack.index(f"s3://{BUCKET}/photos/")
    return stack


def api(stack: Stack) -> Gallery:
    """Return the gallery of the function behind API Gateway."""
    environment = {
        "AWS_S3_BUCKET": BUCKET,
        "FACEREC_STORE": f"sqlite:///{stack.store}",
        "ERASURE_FUNCTION": "ErasureFunction",
        "AWS_REGION": "us-east-1",
    }
    return open_deployed_gallery(read_settings(environment), Objects())


def invoke(event: object) -> dict[str, Any]:
    """Invoke the function as Lambda does."""
    answer = boto3.client("lambda").invoke(
        FunctionName="ErasureFunction", Payload=json.dumps(event)
    )
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    return document


def names(stack: Stack, traces: list[bytes]) -> set[str]:
    """Return the keys of the objects that contain one of the traces."""
    found = (key for prefix in ("jobs/", "erasures/") for key in stack.keys(prefix))
    contents = {key: stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found}
    return {key for key, content in contents.items() if any(t in content for t in traces)}


def stores_of(stack: Stack) -> CheckedStores:
    store = SqliteStore(stack.store)
    root = f"s3://{BUCKET}/jobs/"
    erasures = f"s3://{BUCKET}/erasures/"
    return CheckedStores(store, store, Objects(), root, open_erasures(erasures), (root, erasures))


def test_a_deletion_returns_at_once_and_a_function_reaches_the_job_folders(stack: Stack) -> None:
    gallery = api(stack)
    selection = gallery.select("staff", SubjectKind.EXTERNAL_ID, ANN)
    assert len(selection.face_ids) == 1
    traces = collect_traces("staff", selection, stores_of(stack))
    vectors = [each.astype("<f4").tobytes() for each in traces.embeddings]
    before = stack.face_ids()
    receipt = gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    assert (receipt.status, receipt.faces, receipt.jobs) == (ErasureStatus.RUNNING, 1, ())
    assert len(stack.face_ids()) == len(before) - 1
    assert names(stack, vectors)
    (body,) = stack.held or []
    assert json.loads(body) == {"erasure_id": receipt.erasure_id}
    # Lambda may deliver an event more than once.
    assert invoke(json.loads(body)) == {"erasures": [receipt.erasure_id]}
    assert invoke(json.loads(body)) == {"erasures": []}
    done = gallery.get_erasure("staff", receipt.erasure_id)
    assert (done.status, done.faces) == (ErasureStatus.DONE, 1)
    assert sum(job.rows for job in done.jobs) == 1
    assert violation("receipt", done.to_json()) is None
    traced = [f'"{ANN}"'.encode(), *(face.encode() for face in selection.face_ids)]
    assert names(stack, traced) == set()
    assert list(find_remainders("staff", traces, stores_of(stack))) == []


def test_an_erasure_that_was_killed_is_completed_by_the_schedule(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = api(stack)
    receipt = gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    stack.function_faults = ["KilledError"]
    assert invoke({"erasure_id": receipt.erasure_id})["errorType"] == "KilledError"
    assert invoke({}) == {"erasures": []}  # It may still be running.
    monkeypatch.setattr(handler._gallery(), "_clock", lambda: time.time() + 3600)
    assert invoke({}) == {"erasures": [receipt.erasure_id]}
    assert gallery.get_erasure("staff", receipt.erasure_id).status is ErasureStatus.DONE
    assert names(stack, [f'"{ANN}"'.encode()]) == set()


@pytest.mark.long
def test_a_deleted_collection_loses_its_job_folders_and_a_later_one_keeps_them(
    stack: Stack,
) -> None:
    receipt = api(stack).delete_collection("staff")
    assert receipt.status is ErasureStatus.RUNNING
    assert stack.face_ids() == []
    assert stack.keys("jobs/")
    again = stack.index(stack.put_manifest(60), images_per_child=20)
    faces = stack.face_ids()
    invoke({"erasure_id": receipt.erasure_id})
    # What is remembered of photos is of the later collection.
    kept = {key.split("/")[1] for key in stack.keys("jobs/")} - {"remembered@staff"}
    assert kept == {again.output["job_id"]}
    assert stack.face_ids() == faces != []
    (done,) = api(stack).list_erasures("staff")
    assert (done.status, len(done.jobs)) == (ErasureStatus.DONE, 2)


def test_expired_faces_are_erased_each_hour(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = api(stack)
    gallery.set_retention("staff", 30)
    assert invoke({}) == {"erasures": []}
    monkeypatch.setattr(handler._gallery(), "_clock", lambda: time.time() + 31 * SECONDS_OF_DAY)
    (erased,) = invoke({})["erasures"]
    assert stack.face_ids() == []
    receipt = gallery.get_erasure("staff", erased)
    assert (receipt.subject, receipt.status) == (SubjectKind.EXPIRED, ErasureStatus.DONE)
    embeddings = [key for key in stack.keys("jobs/") if "/embeddings/" in key]
    assert embeddings == []


def test_faces_without_a_collection_are_swept_each_hour_and_by_a_command(
    stack: Stack, command_line: CliRunner
) -> None:
    def leave() -> None:
        with SqliteStore(stack.store) as store:
            own = store.get_faces("staff", stack.face_ids()[:1])
            store.add_to_images("gone", {group_of(own[0].record.face_id): own})

    words = ["erasures", "sweep", "--stack", "s", "--json"]
    leave()
    assert json.loads(command_line.invoke(main, words).stdout) == {
        "swept": [{"collection_id": "gone", "faces": 1, "records": 0}]
    }
    leave()
    stopped = invoke({"sweep": True, "seconds": 0})
    assert (stopped["swept"], stopped["complete"]) == ({}, False)
    before = stack.face_ids()
    assert invoke({}) == {"erasures": []}
    assert json.loads(command_line.invoke(main, words).stdout) == {"swept": []}
    assert stack.face_ids() == before


@pytest.mark.long
def test_a_store_that_is_down_does_not_lose_an_erasure(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = api(stack)
    receipt = gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)

    def down(*_: object) -> None:
        raise StoreUnavailableError("down")

    with monkeypatch.context() as patch:
        patch.setattr(handler._gallery()._records, "forget_answers", down)
        assert invoke({"erasure_id": receipt.erasure_id})["errorType"] == "StoreUnavailableError"
    assert invoke({"erasure_id": receipt.erasure_id})["erasures"] == [receipt.erasure_id]


def test_the_command_line_erases_checks_and_rebuilds_in_a_stack(
    stack: Stack, command_line: CliRunner
) -> None:
    run = command_line
    words = ["--collection", "staff", "--stack", "s", "--json"]
    erased = run.invoke(main, ["erase", "--external-id", ANN, "--check", "--yes", *words])
    assert erased.exit_code == 0, erased.output
    receipt = json.loads(erased.stdout)
    assert receipt.pop("left") == []
    assert (receipt["status"], receipt["faces"]) == ("DONE", 1)
    listed = json.loads(run.invoke(main, ["erasures", "list", *words]).stdout)
    assert listed == {"erasures": [receipt]}
    faces = stack.face_ids()
    with SqliteStore(stack.store) as store:
        store.delete_faces("staff", faces[::2])
    rebuilt = run.invoke(main, ["rebuild", "staff", "--stack", "s", "--json"])
    assert json.loads(rebuilt.stdout)["missing"] == len(faces[::2])
    assert stack.face_ids() == faces


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("export", "--collection", "nowhere", "--output", "OUT"), 3),
        (("erase", "--collection", "nowhere", "--yes"), 3),
        (("erase", "--collection", "a b", "--yes"), 4),
        (("collections", "describe", "nowhere"), 3),
    ],
)
def test_a_stack_refuses_with_the_exit_code_of_the_command(
    stack: Stack, command_line: CliRunner, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    words = tuple(str(tmp_path / "out") if word == "OUT" else word for word in words)
    named = ("--external-id", ANN) if "--collection" in words else ()
    result = command_line.invoke(main, [*words, *named, "--stack", "s"])
    assert result.exit_code == code, result.output
    assert "failed" not in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConflictError("the collection is being deleted", "wait"), 1),
        (ModelMismatchError("new", "old"), 6),
    ],
)
def test_a_stack_shows_an_error_of_the_gallery_as_the_command_does_here(
    stack: Stack,
    command_line: CliRunner,
    monkeypatch: pytest.MonkeyPatch,
    error: FacerecError,
    code: int,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(handler._gallery()), "describe_collection", refuse)
    result = command_line.invoke(main, ["collections", "describe", "staff", "--stack", "s"])
    assert result.exit_code == code, result.output
    assert error.message in result.output
    assert "the function" not in result.output


@pytest.mark.long
def test_the_json_of_a_check_is_whole_whatever_is_left(
    stack: Stack, command_line: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*given: Any) -> tuple[Receipt, list[Remainder]]:  # noqa: ANN401 - passed on
        receipt, _ = erase_and_check(*given)
        return receipt, [Remainder(EARLIER_COLLECTION, "face id")]

    monkeypatch.setattr(handler, "erase_and_check", leave)
    words = ["erase", "--external-id", ANN, "--collection", "staff", "--yes", "--check", "--json"]
    erased = command_line.invoke(main, [*words, "--stack", "s"])
    assert erased.exit_code == 8, erased.output
    left = {"place": EARLIER_COLLECTION, "what": "face id", "unknown_owner": False}
    assert json.loads(erased.stdout)["left"] == [left]
    assert "`facerec erasures sweep --stack s`" in erased.stderr


def test_a_person_of_a_stack_is_erased_by_display_name(
    stack: Stack, command_line: CliRunner
) -> None:
    gallery = api(stack)
    own = gallery.select("staff", SubjectKind.EXTERNAL_ID, ANN).face_ids
    gallery.create_user("staff", "e-1", name="Ann Müller")
    gallery.associate_faces("staff", "e-1", list(own))
    words = ["--collection", "staff", "--stack", "s", "--yes", "--json"]
    erased = command_line.invoke(main, ["erase", "--person", "Ann Müller", *words])
    assert erased.exit_code == 0, erased.output
    receipt = json.loads(erased.stdout)
    assert (receipt["faces"], receipt["users"]) == (len(own), 1)


def test_the_command_line_exports_from_a_stack(
    stack: Stack, command_line: CliRunner, tmp_path: Path
) -> None:
    gallery = api(stack)
    (face_id,) = gallery.select("staff", SubjectKind.EXTERNAL_ID, ANN).face_ids
    words = ["export", "--collection", "staff", "--stack", "s", "--output", str(tmp_path / "ann")]
    exported = command_line.invoke(main, [*words, "--external-id", ANN])
    assert exported.exit_code == 0, exported.output
    document = json.loads((tmp_path / "ann" / "export.json").read_text())
    assert violation("export", document) is None
    here = gallery.export("staff", SubjectKind.EXTERNAL_ID, ANN, thumbnails=False).to_json()
    assert document | {"exported_at": ""} == here | {"exported_at": ""}
    assert [each["face"]["face_id"] for each in document["faces"]] == [face_id]
    assert document["jobs"]
    words[-1] = str(tmp_path / "nobody")
    assert command_line.invoke(main, [*words, "--external-id", "nobody"]).exit_code == 3


def test_an_export_from_a_stack_has_thumbnails(
    stack: Stack, command_line: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: str, face_id: str) -> bytes:
        return face_id.encode()

    monkeypatch.setattr(handler._gallery(), "thumbnail", cut)
    words = ["export", "--collection", "staff", "--stack", "s", "--output", str(tmp_path / "ann")]
    command_line.invoke(main, [*words, "--external-id", ANN])
    (face,) = json.loads((tmp_path / "ann" / "export.json").read_text())["faces"]
    face_id = face["face"]["face_id"]
    assert (tmp_path / "ann" / face["thumbnail"]).read_bytes() == face_id.encode()


def test_the_command_line_sets_and_shows_the_retention_in_a_stack(
    stack: Stack, command_line: CliRunner
) -> None:
    words = ["staff", "--stack", "s"]
    updated = command_line.invoke(main, ["collections", "update", *words, "--expire-after", "30d"])
    assert updated.exit_code == 0, updated.output
    described = command_line.invoke(main, ["collections", "describe", *words, "--json"])
    document = json.loads(described.stdout)
    assert violation("collection", document) is None
    assert document["retention_days"] == api(stack).get_retention("staff") == 30
    assert "30 d" in command_line.invoke(main, ["collections", "describe", *words]).output
    command_line.invoke(main, ["collections", "update", *words, "--expire-after", "never"])
    assert api(stack).get_retention("staff") is None
