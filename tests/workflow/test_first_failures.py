"""A job whose first photos nearly all fail alike ends at once, with the reason and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from facerec.errors import (
    AccessDeniedError,
    KeyDeniedError,
    OtherRegionError,
    RequesterPaysError,
)
from facerec.jobs.aws import submissions
from facerec.storage.objects.s3 import S3Objects
from tests.support.workflow.stack import BUCKET, Ended, Stack

LINES = 400


@pytest.fixture
def stack(deploy: Callable[..., Stack]) -> Stack:
    return deploy(RESUBMISSIONS="3")


@pytest.fixture
def denials(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, type[AccessDeniedError]]]:
    """Errors that S3 answers, by the folder of a photo."""
    fetch, errors = S3Objects.fetch, dict[str, type[AccessDeniedError]]()

    def fetch_or_deny(objects: S3Objects, uri: str, **range_: Any) -> Any:  # noqa: ANN401
        for folder, error in errors.items():
            if uri.startswith(f"s3://{BUCKET}/{folder}/"):
                raise error(uri)
        return fetch(objects, uri, **range_)

    monkeypatch.setattr(S3Objects, "fetch", fetch_or_deny)
    yield errors


def manifest(stack: Stack, *photos: str) -> str:
    """Put a manifest that names these photos again and again, each time under another id."""
    lines = (
        json.dumps({"image": photos[line % len(photos)], "external_image_id": f"line:{line}"})
        for line in range(LINES)
    )
    return stack.put("all.jsonl", "".join(f"{line}\n" for line in lines).encode())


def index(stack: Stack, source: str, **settings: object) -> Ended:
    return stack.index(source, images_per_child=200, **settings)


def require_early_end(stack: Stack, ended: Ended, outcome: str, remedy: str) -> None:
    assert (ended.status, ended.error) == ("FAILED", "FirstPhotosFailedError")
    assert f"photos failed with {outcome}" in ended.cause
    assert remedy in ended.cause
    assert "\n" not in ended.cause
    report = stack.read_json(ended.cause.rpartition("report: ")[2])
    assert report["status"] == "FAILED"
    assert report["first_failures"]["outcome"] == outcome
    assert report["photos"] < LINES
    assert len(stack.machines.submissions) == 1
    assert stack.analysed == 0


@pytest.mark.parametrize(
    ("error", "outcome", "remedy"),
    [
        (AccessDeniedError, "ACCESS_DENIED", "PhotoBucketArns"),
        (KeyDeniedError, "KEY_DENIED", "PhotoKeyArns"),
        (RequesterPaysError, "REQUESTER_PAYS", "copy the photos"),
        (OtherRegionError, "OTHER_REGION", "in the region of the jobs"),
    ],
)
def test_a_bucket_that_may_not_be_read_ends_the_job(
    stack: Stack,
    denials: dict[str, type[AccessDeniedError]],
    error: type[AccessDeniedError],
    outcome: str,
    remedy: str,
) -> None:
    denials["photos"] = error
    ended = index(stack, manifest(stack, *stack.put_photos()))
    require_early_end(stack, ended, outcome, remedy)


def test_a_wrong_prefix_ends_the_job(stack: Stack) -> None:
    ended = index(stack, manifest(stack, f"s3://{BUCKET}/no/such/photo.jpg"))
    require_early_end(stack, ended, "NOT_FOUND", "a prefix, a folder or the bucket")


def test_archived_photos_end_the_job(stack: Stack) -> None:
    stack.s3.put_object(Bucket=BUCKET, Key="old.jpg", Body=b"x", StorageClass="GLACIER")
    ended = index(stack, manifest(stack, f"s3://{BUCKET}/old.jpg"))
    require_early_end(stack, ended, "ARCHIVED", "restore the photos")


def test_a_manifest_of_another_kind_ends_the_job(stack: Stack) -> None:
    ended = index(stack, manifest(stack, "/home/ann/1.jpg"))
    require_early_end(stack, ended, "MALFORMED_LINE", "format of the manifest")


def test_only_the_first_child_of_many_runs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MIN_CHILDREN_FOR_CANARY", 2)
    ended = index(stack, manifest(stack, f"s3://{BUCKET}/no/such/photo.jpg"))
    require_early_end(stack, ended, "NOT_FOUND", "a prefix")
    assert {attempt.child for attempt in stack.machines.attempts} == {0}


def test_one_wrong_folder_among_right_ones_ends_nothing(stack: Stack) -> None:
    photos = stack.put_photos()
    lines = [f"s3://{BUCKET}/no/{line}.jpg" for line in range(130)]
    lines += [photos[line % len(photos)] for line in range(LINES - 130)]
    source = stack.put("all.txt", "\n".join(lines).encode())

    ended = index(stack, source, tolerated_failure_percentage=50)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["outcomes"]["NOT_FOUND"] == 130
    assert ended.output["photos"] == LINES


@pytest.mark.long
def test_a_job_that_tolerates_all_failures_reads_all_photos(stack: Stack) -> None:
    source = manifest(stack, f"s3://{BUCKET}/no/such/photo.jpg")
    ended = index(stack, source, tolerated_failure_percentage=100)
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["outcomes"] == {"NOT_FOUND": LINES}


@pytest.mark.long
def test_once_the_cause_is_corrected_the_same_input_indexes_all_photos(
    stack: Stack, denials: dict[str, type[AccessDeniedError]]
) -> None:
    source = manifest(stack, *stack.put_photos())
    denials["photos"] = KeyDeniedError
    assert index(stack, source).error == "FirstPhotosFailedError"
    denials.clear()

    ended = index(stack, source)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["photos"] == LINES
    assert set(ended.output["outcomes"]) == {"INDEXED"}
