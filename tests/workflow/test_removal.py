"""Faces of photos that were replaced or are gone are removed when a job of a stack is complete."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import facerec.factory.engines
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.erasure import handler
from tests.support.workflow.machines import Killed
from tests.support.workflow.stack import BUCKET, Accidents, Stack

PHOTOS = f"s3://{BUCKET}/photos/"

REMOVED_ONE = {"photos": 1, "faces": 1, "moved": 0, "renamed": 0}


@pytest.fixture
def empty(deploy: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack without photos."""
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    handler._gallery.cache_clear()
    return deploy()


@pytest.fixture
def stack(empty: Stack) -> Stack:
    """A stack with a collection of four photos of one person each."""
    empty.put_photos(4)
    assert empty.index(PHOTOS).output["faces_indexed"] == 4
    return empty


def test_a_replaced_photo_replaces_its_faces(stack: Stack) -> None:
    before = set(stack.face_ids())
    stack.put("photos/2.jpg", fake_photo(fake_face("somebody"), fake_face("else", left=0.5)))

    ended = stack.index(PHOTOS)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.states[-5:] == ["RemoveStale", "WhereToReport", "Report", "Judged", "Succeeded"]
    assert stack.read_json(ended.output["report"])["removal"] == REMOVED_ONE
    after = set(stack.face_ids())
    assert (len(after - before), len(before - after)) == (2, 1)


def test_a_corrected_external_image_id_replaces_the_faces(empty: Stack) -> None:
    photos = empty.put_photos(2)

    def indexed(*ids: str) -> dict[str, int]:
        lines = (
            json.dumps({"image": photo, "external_image_id": own})
            for photo, own in zip(photos, ids, strict=True)
        )
        ended = empty.index(empty.put("ids.jsonl", "\n".join(lines).encode()))
        assert ended.status == "SUCCEEDED", ended.cause
        return empty.read_json(ended.output["report"]).get("removal", {})

    indexed("wrong", "other")
    first = set(empty.face_ids())
    assert indexed("right", "other") == {"photos": 1, "faces": 1, "moved": 0, "renamed": 1}
    assert (len(first & set(empty.face_ids())), len(empty.face_ids())) == (1, 2)
    assert indexed("wrong", "other")["renamed"] == 1
    assert set(empty.face_ids()) == first


@pytest.mark.long
def test_photos_of_a_prefix_keep_the_ids_that_a_manifest_chose(empty: Stack) -> None:
    photos = empty.put_photos(2)
    lines = (json.dumps({"image": photo, "external_image_id": "chosen"}) for photo in photos[:1])
    manifest = empty.put("ids.jsonl", "\n".join(lines).encode())

    def reported(source: str) -> dict[str, dict[str, int]]:
        ended = empty.index(source)
        assert ended.status == "SUCCEEDED", ended.cause
        return empty.read_json(ended.output["report"])

    reported(PHOTOS)
    assert reported(manifest)["removal"]["renamed"] == 1
    faces = set(empty.face_ids())
    for _ in range(2):
        report = reported(PHOTOS)
        assert (report["difference"]["kept_ids"], report["difference"]["unchanged"]) == (1, 2)
        reported(manifest)
        assert (set(empty.face_ids()), len(faces)) == (faces, 2)


@pytest.mark.long
def test_a_photo_that_was_replaced_by_an_archived_one_keeps_its_faces(stack: Stack) -> None:
    before = stack.face_ids()
    stack.s3.put_object(
        Bucket=BUCKET, Key="photos/2.jpg", Body=b"cannot be read", StorageClass="GLACIER"
    )

    ended = stack.index(PHOTOS, tolerated_failure_percentage=100)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["outcomes"] == {"ARCHIVED": 1}
    assert stack.face_ids() == before
    # It is not tried again before it can be read.
    rows = stack.ledger()
    assert stack.index(PHOTOS, tolerated_failure_percentage=100).status == "SUCCEEDED"
    assert stack.ledger() == rows


def test_photos_that_are_gone_keep_their_faces_until_they_are_pruned(stack: Stack) -> None:
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/2.jpg")
    assert "RemoveStale" not in stack.index(PHOTOS).states
    assert len(stack.face_ids()) == 4

    ended = stack.index(PHOTOS, prune=True)

    assert ended.status == "SUCCEEDED", ended.cause
    assert stack.read_json(ended.output["report"])["removal"] == REMOVED_ONE
    assert len(stack.face_ids()) == 3
    assert "RemoveStale" not in stack.index(PHOTOS, prune=True).states


def test_more_photos_that_are_gone_than_the_limit_are_not_pruned(stack: Stack) -> None:
    for number in range(3):
        stack.s3.delete_object(Bucket=BUCKET, Key=f"photos/{number}.jpg")

    ended = stack.index(PHOTOS, prune=True)

    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert len(stack.face_ids()) == 4


def test_a_removal_that_failed_is_made_up_for_by_the_next_start(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/2.jpg")

    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as broken:
        broken.setattr(handler, "remove_stale", fail)
        assert stack.index(PHOTOS, prune=True).status == "FAILED"
    assert len(stack.face_ids()) == 4

    ended = stack.index(PHOTOS, prune=True)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.face_ids()) == 3


@pytest.mark.long
def test_of_two_jobs_that_read_versions_of_a_photo_the_last_to_end_leaves_the_new_faces(
    empty: Stack,
) -> None:
    stack = empty
    stack.put_photos(4)

    def index_and_replace(_child: int, _attempt: int) -> None:
        stack.accidents = Accidents()
        assert stack.index(PHOTOS, images_per_child=100).status == "SUCCEEDED"
        stack.put("photos/0.jpg", fake_photo(fake_face("somebody"), fake_face("else", left=0.5)))

    stack.accidents.before = index_and_replace
    ended = stack.index(PHOTOS)

    assert ended.status == "SUCCEEDED", ended.cause
    assert stack.read_json(ended.output["report"])["removal"] == REMOVED_ONE
    assert len(stack.face_ids()) == 5


@pytest.mark.long
def test_a_later_job_removes_old_faces_that_an_interrupted_one_has_committed(
    empty: Stack,
) -> None:
    stack = empty
    stack.put_photos(80)

    def kill_later_attempts(_child: int, attempt: int) -> None:
        if attempt > 1:
            raise Killed

    stack.accidents.killed, stack.accidents.before = {(0, 1)}, kill_later_attempts
    assert stack.index(PHOTOS).status == "FAILED"
    stack.accidents = Accidents()
    stack.put("photos/0.jpg", fake_photo(fake_face("somebody"), fake_face("else", left=0.5)))

    ended = stack.index(PHOTOS)

    assert ended.status == "SUCCEEDED", ended.cause
    assert stack.read_json(ended.output["report"])["removal"] == REMOVED_ONE
    assert len(stack.face_ids()) == 81
