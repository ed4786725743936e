"""The real state machine on a real interpreter, with the real handlers and the real container."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from facerec.testing.engine import fake_face, fake_photo
from lambdas.plan import handler
from tests.support.workflow.machines import RECLAIMED
from tests.support.workflow.stack import BUCKET, Stack

STATE_LIMIT = 32 * 1024


def sizes(stack: Stack) -> list[int | None]:
    """Return the sizes of the arrays that were submitted, None for a plain job."""
    return [submitted["array_properties"].get("size") for submitted in stack.machines.submissions]


def lines_in(stack: Stack) -> list[str]:
    """Return the ids that the lines of a manifest gave their photos, as the ledger has them."""
    return sorted(row["external_image_id"] for row in stack.ledger())


def test_an_empty_manifest_is_refused_and_leaves_nothing(stack: Stack) -> None:
    ended = stack.index(stack.put("empty.jsonl", b""))

    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert ended.cause is not None and ended.cause.startswith(
        f"s3://{BUCKET}/empty.jsonl contains no photos; "
    )
    assert stack.machines.submissions == []
    assert [key for key in stack.keys("jobs/") if "/refused/" not in key] == []


def test_one_line_is_a_plain_job(stack: Stack) -> None:
    ended = stack.index(stack.put_manifest(1))

    assert ended.status == "SUCCEEDED", ended.cause
    assert sizes(stack) == [None]
    assert lines_in(stack) == ["line:0"]


def test_two_children_are_the_smallest_array(stack: Stack) -> None:
    ended = stack.index(stack.put_manifest(2), images_per_child=1)

    assert ended.status == "SUCCEEDED", ended.cause
    assert sizes(stack) == [2]
    assert lines_in(stack) == ["line:0", "line:1"]


@pytest.mark.long
def test_a_thousand_lines_go_through_several_arrays(deploy: Callable[..., Stack]) -> None:
    stack = deploy(MAX_ARRAY_SIZE="3")

    ended = stack.index(stack.put_manifest(1000), images_per_child=100)

    assert ended.status == "SUCCEEDED", ended.cause
    assert sorted(sizes(stack)) == [2, 2, 3, 3]
    assert sorted(attempt.child for attempt in stack.machines.attempts) == list(range(10))
    assert lines_in(stack) == sorted(f"line:{line}" for line in range(1000))
    assert len(set(stack.face_ids())) == 1000
    assert ended.output["faces_indexed"] == 1000
    assert ended.largest < STATE_LIMIT


def test_photos_can_be_named_by_a_prefix(stack: Stack) -> None:
    stack.put_photos(12)

    ended = stack.index(f"s3://{BUCKET}/photos/", images_per_child=5)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.ledger()) == 12
    assert len(stack.face_ids()) == 12


def test_photos_can_be_listed_in_the_input(stack: Stack) -> None:
    ended = stack.execute(
        {"collection_id": "staff", "create_collection": True, "images": stack.put_photos(3)}
    )

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.face_ids()) == 3


def test_a_second_start_repeats_no_work(stack: Stack) -> None:
    manifest = stack.put_manifest(60)
    stack.index(manifest, images_per_child=30)
    faces, analysed = stack.face_ids(), stack.analysed

    again = stack.index(manifest, images_per_child=30)

    assert again.status == "SUCCEEDED", again.cause
    assert again.output["photos"] == 60
    assert stack.analysed == analysed
    assert stack.face_ids() == faces
    assert len(stack.ledger()) == 60


def test_a_failed_child_is_reported_and_a_second_start_resumes_it(
    deploy: Callable[..., Stack],
) -> None:
    stack = deploy(MAX_ARRAY_SIZE="3")
    manifest = stack.put_manifest(100)
    stack.accidents.broken = {(1, 1)}

    failed = stack.index(manifest, images_per_child=20)

    assert failed.status == "FAILED"
    assert failed.error == "JobIncomplete"
    assert "1 of 5 children is not complete (1)" in failed.cause
    report = stack.read_json(failed.cause.rpartition("report: ")[2])
    assert report["incomplete"] == [1]
    done = len(stack.ledger())
    assert 0 < done < 100
    # What nobody foresaw is not tried again by itself.
    assert [attempt.number for attempt in stack.machines.attempts if attempt.child == 1] == [1]

    stack.accidents.broken = set()
    analysed = stack.analysed
    again = stack.index(manifest, images_per_child=20)

    assert again.status == "SUCCEEDED", again.cause
    assert stack.analysed - analysed == 100 - done
    assert len(stack.face_ids()) == 100


def test_a_killed_child_is_retried_and_leaves_no_trace(stack: Stack) -> None:
    manifest = stack.put_manifest(150)
    stack.accidents.killed = {(0, 1)}

    ended = stack.index(manifest, images_per_child=75)

    assert ended.status == "SUCCEEDED", ended.cause
    tried = [attempt for attempt in stack.machines.attempts if attempt.child == 0]
    assert [attempt.number for attempt in tried] == [1, 2]
    assert tried[0].status_reason == RECLAIMED
    assert lines_in(stack) == sorted(f"line:{line}" for line in range(150))
    disturbed = stack.face_ids()

    stack.forget()
    stack.accidents.killed = set()
    stack.index(manifest, images_per_child=75)
    assert stack.face_ids() == disturbed


def test_a_child_that_is_asked_to_stop_commits_and_resumes_elsewhere(stack: Stack) -> None:
    stack.accidents.asked_to_stop = {(0, 1), (0, 2)}

    ended = stack.index(stack.put_manifest(100))

    assert ended.status == "SUCCEEDED", ended.cause
    assert [attempt.exit_code for attempt in stack.machines.attempts] == [75, 75, 0]
    assert lines_in(stack) == sorted(f"line:{line}" for line in range(100))
    # Nothing that was committed was worked on again.
    assert stack.analysed == 100


def test_errors_of_the_platform_are_retried(stack: Stack, waits: list[float]) -> None:
    stack.function_faults = ["Lambda.ServiceException", "Lambda.TooManyRequestsException"]
    stack.machines.faults = 2

    ended = stack.index(stack.put_manifest(3), images_per_child=1)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(waits) == 4
    assert sizes(stack) == [3]


def test_a_queue_that_takes_no_jobs_ends_in_a_report(stack: Stack) -> None:
    stack.machines.faults = 100

    ended = stack.index(stack.put_manifest(3), images_per_child=1)

    assert ended.status == "FAILED"
    assert ended.error == "JobIncomplete"
    assert stack.read_json(ended.cause.rpartition("report: ")[2])["complete_children"] == 0


def test_a_manifest_that_changes_during_the_job_ends_in_a_report(stack: Stack) -> None:
    manifest = stack.put_manifest(40)

    def change(child: int, attempt: int) -> None:
        if child == 1:
            stack.put("all.jsonl", b'{"image": "s3://elsewhere/photo.jpg"}\n')

    stack.accidents.before = change
    ended = stack.index(manifest, images_per_child=10)

    assert ended.status == "FAILED"
    assert ended.error == "JobIncomplete"
    assert {attempt.exit_code for attempt in stack.machines.attempts} == {0, 78}
    report = stack.read_json(ended.cause.rpartition("report: ")[2])
    assert report["incomplete"] == [1, 2, 3]
    assert report["photos"] == len(stack.ledger()) > 0


def test_photos_that_cannot_be_read_fail_the_job_unless_tolerated(stack: Stack) -> None:
    manifest = stack.put_manifest(50, readable=False)

    failed = stack.index(manifest)

    assert failed.status == "FAILED"
    assert failed.error == "TooManyFailures"
    assert "50 of 50 photos failed (100 %), more than the 5 % tolerated" in failed.cause
    report = stack.read_json(failed.cause.rpartition("report: ")[2])
    assert report["outcomes"] == {"UNREADABLE": 50}
    assert len(report["failures"]) == 20

    tolerated = stack.index(manifest, tolerated_failure_percentage=100)
    assert tolerated.status == "SUCCEEDED", tolerated.cause


def test_the_report_of_very_many_children_is_a_job(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "MAX_CHILDREN_OF_FUNCTION", 3)

    ended = stack.index(
        stack.put_manifest(8, readable=False), images_per_child=2, tolerated_failure_percentage=99.5
    )

    assert "ReportInBatch" in ended.states
    assert ended.error == "TooManyFailures"
    assert "more than the 99.5 % tolerated" in ended.cause


def test_an_invalid_input_fails_with_the_name_of_the_field(stack: Stack) -> None:
    for document, named in (
        ("not an object", "is not of type 'object'"),
        ({"manifest": "s3://b/m.jsonl"}, "'collection_id' is a required property"),
        ({"collection_id": "a/b", "manifest": "s3://b/m.jsonl"}, "collection_id: "),
        ({"collection_id": "a", "manifest": 7}, "manifest: 7 is not of type 'string'"),
        (
            {"collection_id": "a", "manifest": "s3://b/m", "options": {"max_faces": 101}},
            "options.max_faces: 101 is greater than the maximum of 100",
        ),
        ({"collection_id": "a", "manifest": "s3://b/m", "colour": 1}, "'colour'"),
    ):
        ended = stack.execute(document)

        assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
        assert named in ended.cause
        *_, kept = stack.keys("jobs/refused/")
        assert stack.read_json(f"s3://{BUCKET}/{kept}")["cause"] == ended.cause
    assert stack.machines.submissions == []


def test_a_manifest_that_does_not_exist_fails_with_its_address(stack: Stack) -> None:
    for manifest, error in (
        ("s3://facerec-work/none.jsonl", "ObjectNotFoundError"),
        # The role of the function may read the buckets of the stack and no others.
        ("s3://no-such-bucket/all.jsonl", "AccessDeniedError"),
        ("s3://no-such-bucket/prefix/", "AccessDeniedError"),
    ):
        ended = stack.index(manifest)

        assert (ended.status, ended.error) == ("FAILED", error)
        assert manifest in ended.cause
    assert len(stack.keys("jobs/refused/")) == 3


def test_an_unknown_collection_is_created_unless_the_input_forbids_it(stack: Stack) -> None:
    manifest = stack.put_manifest(1)
    document = {"collection_id": "staff", "manifest": manifest}

    refused = stack.execute({**document, "create_collection": False})

    assert (refused.status, refused.error) == ("FAILED", "CollectionNotFoundError")
    assert "'staff'" in refused.cause
    assert stack.execute(document).status == "SUCCEEDED"


def test_a_collection_of_another_model_version_is_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = stack.put_manifest(1)
    stack.index(manifest)
    monkeypatch.setenv("MODEL_VERSION", "fake-2")

    refused = stack.index(manifest)

    assert (refused.status, refused.error) == ("FAILED", "ModelMismatchError")


def test_a_container_of_another_model_version_does_no_work(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_VERSION", "fake-2")

    ended = stack.index(stack.put_manifest(4))

    assert ended.error == "JobIncomplete"
    assert [attempt.exit_code for attempt in stack.machines.attempts] == [78]
    assert stack.analysed == 0


def test_the_deployment_limits_faces_unless_the_input_does(
    deploy: Callable[..., Stack],
) -> None:
    stack = deploy(MAX_FACES_PER_IMAGE="2")
    crowd = fake_photo(*(fake_face(f"p{place}", left=0.1 * place) for place in range(5)))
    line = json.dumps({"image": stack.put("crowd.jpg", crowd)})
    manifest = stack.put("one.jsonl", line.encode())

    assert stack.index(manifest).output["faces_indexed"] == 2
    chosen = stack.index(manifest, options={"max_faces": 4})
    assert chosen.output["faces_indexed"] == 4
