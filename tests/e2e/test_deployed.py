"""The real template, state machine, functions and container entry points, on an emulator."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.disturbed import (
    CHILDREN,
    COLLECTION,
    VICTIM,
    DisturbedJob,
    external_id,
    index_with_an_accident,
    manifest_of,
)
from tests.e2e.photos import SomePhotos, some_photos
from tests.e2e.stack import DeployedStack, until
from tests.e2e.undisturbed import index_on_this_machine


@pytest.fixture(scope="session")
def photos() -> SomePhotos:
    return some_photos()


@pytest.fixture(scope="session")
def job(deployed: DeployedStack, photos: SomePhotos) -> DisturbedJob:
    return index_with_an_accident(deployed, photos)


def test_every_line_has_exactly_one_row_although_a_child_was_killed(
    job: DisturbedJob, photos: SomePhotos
) -> None:
    expected = sorted(external_id(line) for line in range(len(photos.lines)))
    assert sorted(row["external_image_id"] for row in job.rows) == expected
    assert {row["child"] for row in job.rows} == set(range(CHILDREN))


def test_the_killed_child_was_retried_and_resumed_where_it_was(
    deployed: DeployedStack, job: DisturbedJob
) -> None:
    batch = deployed.client("batch")
    (array,) = batch.list_jobs(
        jobQueue=deployed.outputs["JobQueueArn"], filters=[{"name": "JOB_NAME", "values": ["*"]}]
    )["jobSummaryList"]
    ids = [f"{array['jobId']}:{child}" for child in range(CHILDREN)]
    children = {
        child["arrayProperties"]["index"]: child["attempts"]
        for child in batch.describe_jobs(jobs=ids)["jobs"]
    }
    assert {child: len(attempts) for child, attempts in children.items()} == {
        child: 2 if child == VICTIM else 1 for child in range(CHILDREN)
    }
    killed, last = children[VICTIM]
    assert killed["statusReason"].startswith("Host EC2")
    assert last["container"]["exitCode"] == 0
    mine = sum(row["child"] == VICTIM for row in job.rows)
    assert 0 < job.committed < mine


def test_the_faces_equal_those_of_an_undisturbed_run(
    deployed: DeployedStack, job: DisturbedJob, photos: SomePhotos, tmp_path: Path
) -> None:
    manifest = tmp_path / "photos.jsonl"
    manifest.write_bytes(manifest_of([str(photo) for photo in photos.lines]))

    undisturbed = index_on_this_machine(manifest, COLLECTION, tmp_path / "data")

    indexed = deployed.faces(COLLECTION)
    assert indexed.keys() == undisturbed.keys()
    for face_id, embedding in undisturbed.items():
        np.testing.assert_allclose(indexed[face_id], embedding, atol=1e-4)


def test_the_report_accounts_for_every_photo(
    deployed: DeployedStack, job: DisturbedJob, photos: SomePhotos
) -> None:
    assert job.report["status"] == "SUCCEEDED"
    assert job.report["children"] == job.report["complete_children"] == CHILDREN
    assert job.report["photos"] == len(photos.lines) == sum(job.report["outcomes"].values())
    assert job.report["faces_indexed"] == len(deployed.faces(COLLECTION)) > 0
    assert job.output["faces_indexed"] == job.report["faces_indexed"]


def test_the_command_line_shows_the_status_of_the_job(
    deployed: DeployedStack, job: DisturbedJob, photos: SomePhotos
) -> None:
    told = json.loads(deployed.facerec("jobs", "status", "disturbed", "--json").stdout)

    assert told["status"] == "SUCCEEDED"
    progress = told["progress"]
    assert progress["photos"] == progress["estimated_photos"] == len(photos.lines)
    assert progress["child_states"] == {"SUCCEEDED": CHILDREN}
    assert progress["interruptions"] == 1
    assert told["machine_dollars"] > 0


def test_a_second_start_repeats_no_work(deployed: DeployedStack, job: DisturbedJob) -> None:
    started = deployed.facerec(
        *("jobs", "start", job.document["manifest"], "--collection", COLLECTION),
        *("--photos-per-child", job.document["images_per_child"]),
        *("--wait", "--interval", 1, "--json"),
    )

    assert started.returncode == 0, started.stderr
    report = json.loads(started.stdout)
    assert (report["job_id"], report["photos"]) == (job.report["job_id"], len(job.rows))
    assert len(deployed.ledger(_folder(deployed, job))) == len(job.rows)


@pytest.mark.long
def test_a_cancelled_job_resumes_when_it_is_started_again(
    deployed: DeployedStack, job: DisturbedJob
) -> None:
    command = ("jobs", "start", job.document["manifest"], "--collection", "others")
    each = ("--photos-per-child", 40)
    assert deployed.facerec(*command, *each).returncode == 0
    assert deployed.facerec("jobs", "cancel", "latest").returncode == 0

    listed = json.loads(deployed.facerec("jobs", "list", "--limit", 1, "--json").stdout)
    (newest,) = listed["jobs"]
    assert newest["status"] == "CANCELLED"

    again = deployed.facerec(*command, *each, "--wait", "--interval", 1, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["photos"] == len(job.rows)
    assert deployed.faces("others").keys().isdisjoint(deployed.faces(COLLECTION))
    assert len(deployed.faces("others")) == len(deployed.faces(COLLECTION))


def test_an_invalid_input_fails_with_the_name_of_the_field(deployed: DeployedStack) -> None:
    ended = deployed.ended(deployed.start({"collection_id": "a/b", "manifest": "x"}, "invalid"))

    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidInputError")
    assert "collection_id: " in ended["cause"]


def test_the_api_returns_who_is_in_a_photo(
    deployed: DeployedStack, job: DisturbedJob, photos: SomePhotos
) -> None:
    image = base64.b64encode(photos.probe.read_bytes()).decode()

    status, answer = deployed.post(
        "/api/v1/face-recognition/match", {"collection_id": COLLECTION, "image": image}
    )

    assert status == 200, answer
    face = answer["faces"][0]
    assert face["decision"] == "match"
    lines = [line for line, photo in enumerate(photos.lines) if photo == photos.known]
    best = face["matches"][0]["face"]["external_image_id"]
    assert best in [external_id(line) for line in lines]


def test_the_api_answers_rekognition_clients(deployed: DeployedStack, job: DisturbedJob) -> None:
    status, answer = deployed.post(
        "/",
        {"CollectionId": COLLECTION},
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "RekognitionService.DescribeCollection",
        },
    )

    assert status == 200, answer
    assert answer["FaceCount"] == len(deployed.faces(COLLECTION))


def test_the_api_estimates_age_and_gender(deployed: DeployedStack, photos: SomePhotos) -> None:
    image = base64.b64encode(photos.probe.read_bytes()).decode()

    status, answer = deployed.post(
        "/",
        {"Image": {"Bytes": image}, "Attributes": ["ALL"]},
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "RekognitionService.DetectFaces",
        },
    )

    assert status == 200, answer
    face = answer["FaceDetails"][0]
    assert face["AgeRange"]["Low"] < face["AgeRange"]["High"]
    assert face["Gender"]["Value"] in ("Female", "Male")


@pytest.mark.parametrize(
    "accept", ["*/*", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"]
)
def test_a_thumbnail_arrives_as_a_picture(
    deployed: DeployedStack, job: DisturbedJob, accept: str
) -> None:
    # What curl accepts, and what a browser does for <img>.
    face_id = next(iter(deployed.faces(COLLECTION)))
    path = f"/api/v1/collections/{COLLECTION}/faces/{face_id}/thumbnail"

    status, picture = deployed.get(path, accept)

    assert (status, picture[:3]) == (200, b"\xff\xd8\xff")


def test_no_log_contains_a_photo_or_a_name(
    deployed: DeployedStack, job: DisturbedJob, photos: SomePhotos
) -> None:
    lines = deployed.logs()
    assert any("complete" in line for line in lines)
    told = [line for line in lines if "line:" in line or "photos/" in line]
    assert told == []


# The last test of this module, which the others need the collection for.
def test_a_deleted_collection_leaves_no_face_in_the_index_or_in_the_folder_of_its_job(
    deployed: DeployedStack, job: DisturbedJob
) -> None:
    folder = _folder(deployed, job)
    assert deployed.faces(COLLECTION)
    assert deployed.keys(folder)

    status, answer = deployed.post(
        "/",
        {"CollectionId": COLLECTION},
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "RekognitionService.DeleteCollection",
        },
    )

    assert status == 200, answer
    spaces = deployed.pinecone.namespaces.items()
    assert not any(space for name, space in spaces if name.partition("@")[0] == COLLECTION)
    # A function of its own erases what jobs keep.
    until(lambda: None if deployed.keys(folder) else "erased", deployed.progress)


def _folder(deployed: DeployedStack, job: DisturbedJob) -> str:
    report: str = job.output["report"]
    key = report.removeprefix(f"s3://{deployed.outputs['BucketName']}/")
    return f"{Path(key).parent}/"
