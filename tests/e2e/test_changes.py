"""A folder that is watched: new, replaced and deleted objects reach the collection by events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import tear_down
from tests.e2e.images import BATCH_IMAGE
from tests.e2e.photos import some_photos
from tests.e2e.stack import BuiltStack, DeployedStack, until

pytestmark = pytest.mark.long

STACK = "watching"
COLLECTION = "Incoming"
BUCKET = "facerec-e2e-incoming"
FOLDER = "incoming/"
MANIFEST = "nightly.txt"
NIGHTLY = "Nightly"


class WatchedFolder:
    """The watched folder, and the collection that follows it."""

    def __init__(self, stack: DeployedStack) -> None:
        self._stack, self._nights = stack, 0
        functions = stack.client("lambda").list_functions()["Functions"]
        (self._function,) = (
            function["FunctionName"]
            for function in functions
            if function["FunctionName"].startswith(f"{STACK}-WatchFunction")
        )

    def put(self, name: str, photo: Path) -> None:
        """Put a photo into the folder."""
        self._stack.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}{name}", Body=photo.read_bytes())

    def delete(self, name: str) -> None:
        """Delete a photo of the folder."""
        self._stack.s3.delete_object(Bucket=BUCKET, Key=f"{FOLDER}{name}")

    def report(self) -> dict[str, Any]:
        """Run the function as its schedule does until it starts a job; return the job's report."""
        name = until(self._tick, self._stack.progress)
        machine = self._stack.outputs["WorkflowArn"]
        return self._report(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")

    def _report(self, execution: str) -> dict[str, Any]:
        ended = self._stack.ended(execution)
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        report: str = json.loads(ended["output"])["report"]
        key = report.removeprefix(f"s3://{self._stack.outputs['BucketName']}/")
        found: dict[str, Any] = json.loads(self._stack.read(key))
        return found

    def night(self, lines: list[str]) -> dict[str, Any]:
        """Write the manifest and start what the schedule starts; return the job's report."""
        self._stack.s3.put_object(Bucket=BUCKET, Key=MANIFEST, Body="\n".join(lines).encode())
        scheduler = self._stack.client("scheduler")
        (name,) = (
            each["Name"]
            for each in scheduler.list_schedules()["Schedules"]
            if "JobSchedule" in each["Name"]
        )
        target = scheduler.get_schedule(Name=name)["Target"]
        assert target["Arn"] == self._stack.outputs["WorkflowArn"]
        self._nights += 1
        execution = self._stack.start(json.loads(target["Input"]), f"night-{self._nights}")
        return self._report(execution)

    def sources(self, collection: str = COLLECTION) -> list[str]:
        """Return the names of the photos that the collection has faces of."""
        status, answer = self._stack.get(
            f"/api/v1/collections/{collection}/faces", "application/json"
        )
        assert status == 200, answer
        faces = json.loads(answer)["faces"]
        return sorted({face["source"].rpartition("/")[2] for face in faces})

    def face_ids(self, name: str) -> set[str]:
        """Return the ids of the faces of a photo."""
        _, answer = self._stack.get(f"/api/v1/collections/{COLLECTION}/faces", "application/json")
        faces = json.loads(answer)["faces"]
        return {face["face_id"] for face in faces if face["source"].endswith(f"/{name}")}

    def _tick(self) -> str | None:
        answer = self._stack.client("lambda").invoke(FunctionName=self._function, Payload=b"{}")
        told = json.loads(answer["Payload"].read())
        assert "errorMessage" not in told, told
        name: str | None = told["started"]
        return name


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    """Return photos of different people."""
    return list(dict.fromkeys(some_photos().lines))[:5]


@pytest.fixture(scope="module")
def watched(built: BuiltStack) -> Iterator[WatchedFolder]:
    stack = DeployedStack(built, STACK)
    stack.s3.create_bucket(Bucket=BUCKET)
    stack.s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    stack.parameters = {
        "BatchImageUri": BATCH_IMAGE,
        "PhotoBucketArns": f"arn:aws:s3:::{BUCKET}",
        "WatchedBucket": BUCKET,
        "WatchedPrefix": FOLDER,
        "WatchedCollection": COLLECTION,
        "WatchedDeletions": "yes",
        "ScheduledManifest": f"s3://{BUCKET}/{MANIFEST}",
        "ScheduledCollection": NIGHTLY,
    }
    stack.deploy()
    yield WatchedFolder(stack)
    tear_down(built.emulator, STACK)
    for listed in stack.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        stack.s3.delete_object(Bucket=BUCKET, Key=listed["Key"])
    stack.s3.delete_bucket(Bucket=BUCKET)


def test_new_replaced_and_deleted_objects_reach_the_collection(
    watched: WatchedFolder, photos: list[Path]
) -> None:
    for number, photo in enumerate(photos[:3]):
        watched.put(f"{number}.jpg", photo)
    assert watched.report()["photos"] == 3
    assert watched.sources() == ["0.jpg", "1.jpg", "2.jpg"]

    watched.put("3.jpg", photos[3])
    report = watched.report()
    # Only the new photo is read: the manifest of the job has no other.
    assert (report["photos"], report["difference"]["unchanged"]) == (1, 3)
    assert watched.sources() == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]

    before = watched.face_ids("1.jpg")
    watched.put("1.jpg", photos[4])
    report = watched.report()
    assert (report["photos"], report["difference"]["unchanged"]) == (1, 3)
    assert watched.face_ids("1.jpg").isdisjoint(before)

    watched.delete("0.jpg")
    report = watched.report()
    assert (report["photos"], report["difference"]["unchanged"]) == (0, 3)
    assert watched.sources() == ["1.jpg", "2.jpg", "3.jpg"]


def test_a_scheduled_manifest_is_read_where_it_has_changed(
    watched: WatchedFolder, photos: list[Path]
) -> None:
    for number, photo in enumerate(photos[:3]):
        watched.put(f"{number}.jpg", photo)
    lines = [f"s3://{BUCKET}/{FOLDER}{number}.jpg" for number in range(3)]
    assert watched.night(lines[:2])["photos"] == 2

    watched.put("0.jpg", photos[4])
    report = watched.night(lines)
    # One photo is new, one is replaced, and the third is not read.
    assert (report["photos"], report["difference"]["unchanged"]) == (2, 1)
    assert watched.sources(NIGHTLY) == ["0.jpg", "1.jpg", "2.jpg"]
