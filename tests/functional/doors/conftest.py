from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

import facerec.factory
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.factory import open_gallery
from facerec.storage.objects import Objects
from facerec.testing.engine import FakeEngine
from lambdas.api.building import build_app, for_lambda
from tests.support.doors import (
    BUCKET,
    CommandLineDoor,
    Door,
    LambdaDoor,
    PythonDoor,
    RekognitionDoor,
    RestDoor,
)
from tests.support.gateway_events import USER_ARN
from tests.support.server import running

OpenDoor = Callable[[], Door]

DOORS = ("python", "command line", "rest", "rekognition", "lambda")


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the fake engine at every door."""
    monkeypatch.setattr(facerec.factory, "open_local_engine", FakeEngine)
    monkeypatch.setattr(facerec.factory, "open_deployed_engine", lambda _: FakeEngine())


@pytest.fixture
def open_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Door]]:
    """Return a function that opens a door onto an empty data folder."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with ExitStack() as stack:

        def open_one(name: str) -> Door:
            data = tmp_path / name
            data.mkdir()
            gallery = stack.enter_context(open_gallery(data))
            local = f"{data}/jobs/"
            if name == "python":
                return PythonDoor(gallery, data, local)
            if name == "command line":
                return CommandLineDoor(gallery, data, local)
            if name == "lambda":
                stack.enter_context(mock_aws())
                boto3.client("s3").create_bucket(Bucket=BUCKET)
                environment = {
                    "FACEREC_STORE": f"sqlite:///{data}/facerec.db",
                    "AWS_S3_BUCKET": BUCKET,
                    "AWS_REGION": "us-east-1",
                    "API_AUTHORIZATION": "AWS_IAM",
                    "ACCESS_TABLE": str(data / "access.json"),
                }
                grants = [{"principal": USER_ARN, "collections": "*", "access": "write"}]
                (data / "access.json").write_text(json.dumps({"grants": grants}))
                function = for_lambda(build_app(environment, 6_000_000))
                return LambdaDoor(gallery, data, f"s3://{BUCKET}/jobs/", function)
            app = create_app(gallery, AppSettings(OpenGuard(), max_body=200_000_000))
            address = stack.enter_context(running(app))
            if name == "rest":
                return RestDoor(gallery, data, local, address)
            client = boto3.client(
                "rekognition",
                endpoint_url=address,
                region_name="us-east-1",
                config=Config(retries={"total_max_attempts": 1}),
            )
            return RekognitionDoor(gallery, data, local, client)

        yield open_one


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, open_door: Callable[[str], Door]) -> Door:
    """Each door in turn."""
    return open_door(request.param)


def put_job(job_folder: str, door: Door) -> None:
    """Copy the folder of a job to where a door's deployment has its jobs."""
    objects = Objects()
    source = Path(job_folder)
    for path in source.rglob("*"):
        if path.is_file():
            uri = f"{door.jobs_root}{source.name}/{path.relative_to(source)}"
            objects.write(uri, path.read_bytes())
