"""Erasures and deletions while a part of the stack writes into a job folder, with its role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from facerec.core.erasures import ErasureStatus, SubjectKind
from facerec.jobs.erasing.unchecked_plans import UncheckedPlans
from facerec.jobs.plan import Plan
from facerec.storage.objects.s3 import S3Objects
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler
from tests.support.permissions import acting_as
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import deploy_with_stores, open_api_gallery

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from tests.support.s3vectors_server import S3VectorsServer

PHOTOS = f"s3://{BUCKET}/photos/"
ANN = f"{PHOTOS}annlee.jpg"


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with the stores of a deployment with default parameters, and two photos."""
    stack = deploy_with_stores(deploy, monkeypatch)
    for name in ("annlee", "bob"):
        put_photo(stack, name)
    yield stack
    handler._gallery.cache_clear()


@pytest.fixture
def gallery(stack: Stack) -> Gallery:
    """The gallery of the function behind API Gateway."""
    return open_api_gallery()


def put_photo(stack: Stack, name: str) -> None:
    stack.put(f"photos/{name}.jpg", fake_photo(fake_face(name)))


def index(stack: Stack, **options: object) -> None:
    ended = stack.index(PHOTOS, **options)
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")


def sweep() -> None:
    """Invoke the function that erases, as its schedule does."""
    answer = boto3.client("lambda").invoke(FunctionName="ErasureFunction", Payload=b"{}")
    assert "errorType" not in json.loads(answer["Payload"].read())


def naming(stack: Stack, trace: str = "annlee") -> list[str]:
    """Return the keys of the objects beside the photos that contain a trace."""
    keys = [key for prefix in ("jobs/", "erasures/") for key in stack.keys(prefix)]
    contents = {key: stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
    return [key for key, content in contents.items() if trace.encode() in content]


def job_files(stack: Stack) -> list[str]:
    """Return the keys of the objects in folders of jobs."""
    return [key for key in stack.keys("jobs/") if key.startswith("jobs/staff-")]


def memories(stack: Stack) -> set[str]:
    """Return the names of the folders with remembered photos."""
    return {key.split("/")[1] for key in stack.keys("jobs/remembered@")}


def act_once_when_a_plan_is_noted(
    monkeypatch: pytest.MonkeyPatch, stack: Stack, act: Callable[[], object]
) -> None:
    """Call a function of the API after the next planner has noted its plan, before it stores it."""
    note, noted = UncheckedPlans.note, list[Plan]()

    def noting(plans: UncheckedPlans, plan: Plan) -> None:
        note(plans, plan)
        if not noted:
            noted.append(plan)
            with acting_as("ApiFunction", stack.permissions):
                act()

    monkeypatch.setattr(UncheckedPlans, "note", noting)


def test_a_photo_erased_while_a_stack_plans_a_job_is_named_nowhere(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(stack)
    put_photo(stack, "cid")
    act_once_when_a_plan_is_noted(
        monkeypatch, stack, lambda: gallery.erase("staff", SubjectKind.PHOTO, ANN)
    )

    index(stack, force=True)

    assert {each.status for each in gallery.list_erasures("staff")} == {ErasureStatus.DONE}
    assert naming(stack) == []
    index(stack, options={"max_faces": 1})


def test_a_collection_takes_jobs_after_an_erasure_found_what_a_killed_planner_left(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(stack)
    put_photo(stack, "cid")

    def killed(*_: object) -> bool:
        raise RuntimeError("the function was ended")

    with monkeypatch.context() as patch:
        patch.setattr(UncheckedPlans, "check", killed)
        assert stack.index(PHOTOS, force=True).status == "FAILED"
    with acting_as("ApiFunction", stack.permissions):
        gallery.erase("staff", SubjectKind.PHOTO, ANN)
    assert naming(stack) == []

    index(stack, force=True)
    index(stack)

    assert naming(stack) == []


def test_a_job_is_repeated_after_an_erasure_of_one_of_its_photos(
    stack: Stack, gallery: Gallery
) -> None:
    put_photo(stack, "cid")
    index(stack)
    index(stack, force=True)
    with acting_as("ApiFunction", stack.permissions):
        gallery.erase("staff", SubjectKind.PHOTO, ANN)

    index(stack, force=True)
    index(stack)

    assert len(gallery.list_faces("staff").faces) == 2


def test_a_collection_deleted_while_a_stack_plans_a_job_leaves_nothing(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(stack)
    put_photo(stack, "cid")
    act_once_when_a_plan_is_noted(monkeypatch, stack, lambda: gallery.delete_collection("staff"))

    ended = stack.index(PHOTOS, force=True)

    assert (ended.status, stack.permissions.denied) == ("FAILED", [])
    assert "'staff'" in ended.cause
    assert job_files(stack) == []
    index(stack)


def test_the_sweep_deletes_the_plan_that_a_killed_planner_stored_after_a_deletion(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(stack)
    put_photo(stack, "cid")

    def killed(*_: object) -> bool:
        raise RuntimeError("the function was ended")

    with monkeypatch.context() as patch:
        act_once_when_a_plan_is_noted(patch, stack, lambda: gallery.delete_collection("staff"))
        patch.setattr(UncheckedPlans, "check", killed)
        assert stack.index(PHOTOS, force=True).status == "FAILED"
    assert naming(stack) != []
    index(stack)
    later = len(gallery.list_faces("staff").faces)

    sweep()

    (job_id,) = {key.split("/")[1] for key in job_files(stack)}
    assert {key.split("/")[1] for key in naming(stack)} <= {job_id, *memories(stack)}
    assert len(gallery.list_faces("staff").faces) == later == 3
    assert stack.permissions.denied == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_report_written_while_its_collection_is_deleted_is_deleted(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    stack.put("photos/annlee.jpg", b"corrupt")
    write, written = S3Objects.write, list[str]()

    def writing(objects: S3Objects, uri: str, content: bytes, **options: bool) -> bool:
        if not uri.endswith("/report.json") or written:
            return write(objects, uri, content, **options)
        written.append(uri)
        with acting_as("ApiFunction", stack.permissions):
            gallery.delete_collection("staff")
        write(objects, uri, content, **options)
        if killed:
            raise RuntimeError("the function was ended")
        return True

    monkeypatch.setattr(S3Objects, "write", writing)

    ended = stack.index(PHOTOS)

    assert (ended.status, stack.permissions.denied) == ("FAILED", [])
    assert killed or "the job was deleted" in ended.cause
    assert (naming(stack) != []) == killed
    sweep()
    assert job_files(stack) == []
    assert naming(stack) == []


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=pytest.mark.long)
        for file in (
            "manifest-",
            "stale.jsonl",
            "plan.json",
            "started.json",
            "embeddings/",
            "ledger/",
            "children/",
            "removal.json",
            "enrolled.json",
            "report.json",
        )
    ],
)
def test_whichever_file_a_part_writes_while_the_collection_is_deleted_is_deleted(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    put_photo(stack, "team/cid")
    index(stack, person_from="folder")
    put_photo(stack, "team/dan")
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/bob.jpg")
    write, write_file, written = S3Objects.write, S3Objects.write_file, list[str]()

    def delete_once(uri: str) -> None:
        if f"/{file}" in uri.partition("/jobs/staff-")[2] and not written:
            written.append(uri)
            with acting_as("ApiFunction", stack.permissions):
                gallery.delete_collection("staff")

    def writing(objects: S3Objects, uri: str, content: bytes, **options: bool) -> bool:
        delete_once(uri)
        return write(objects, uri, content, **options)

    def writing_file(objects: S3Objects, uri: str, path: Path) -> None:
        delete_once(uri)
        write_file(objects, uri, path)

    monkeypatch.setattr(S3Objects, "write", writing)
    monkeypatch.setattr(S3Objects, "write_file", writing_file)

    ended = stack.index(PHOTOS, person_from="folder", prune=True)

    assert (len(written), ended.status) == (1, "FAILED")
    assert stack.permissions.denied == []
    assert job_files(stack) == []
    assert naming(stack) == []
    assert list(gallery.list_collections().collections) == []
