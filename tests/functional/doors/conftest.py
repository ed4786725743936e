from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

import facerec.factory.engines
from facerec.api.app import AppSettings
from facerec.api.auth.access import OpenGuard
from facerec.config import Settings, read_settings
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.factory import open_deployed_gallery, open_gallery
from facerec.gallery.gallery import Gallery
from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.ledger.report import write_report
from facerec.jobs.ledger.tally import Tally
from facerec.jobs.planning.planner import plan_job
from facerec.storage.objects import Objects
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.api import building
from lambdas.api.building import PATIENCE
from tests.support.doors import (
    BUCKET,
    CommandLineDoor,
    Door,
    PythonDoor,
    RekognitionDoor,
    RestDoor,
    RestLambdaDoor,
    rekognition_through,
)
from tests.support.doors.rekognition import ONE_TRY
from tests.support.gateway_events import USER_ARN
from tests.support.jobs import job_input
from tests.support.long import rarely_short
from tests.support.server import running
from tests.support.shared_app import CurrentGallery, SharedApp

DOORS = (
    "python",
    "command line",
    "rest",
    "rekognition",
    "rest on lambda",
    "rekognition on lambda",
)


class PictureEngine(FakeEngine):
    """The fake engine, which finds a face in every JPEG file too."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return the faces of photos."""
        fakes = [PICTURE if photo.startswith(b"\xff\xd8") else photo for photo in photos]
        return super().analyse(fakes, options)


PICTURE = fake_photo(fake_face("ann"))


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the fake engine at every door."""
    versions = {"fast": "fake-1", "accurate": "fake-accurate"}
    monkeypatch.setattr(
        facerec.factory.engines,
        "open_local_engine",
        lambda recipe="fast": PictureEngine(versions[recipe]),
    )
    monkeypatch.setattr(facerec.factory.engines, "open_deployed_engine", lambda *_: PictureEngine())


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[str, Gallery], str]]:
    """Return a function that serves a gallery at a door, and returns the address."""
    with ExitStack() as stack:

        @cache
        def server(_door: str) -> tuple[SharedApp, str]:
            shared = SharedApp(AppSettings(OpenGuard(), max_body=200_000_000))
            return shared, stack.enter_context(running(shared.app))

        def serve_gallery(door: str, gallery: Gallery) -> str:
            shared, address = server(door)
            shared.gallery = gallery
            return address

        yield serve_gallery


class LambdaFunction:
    """The function of the API, built once, with the stores of the test that runs."""

    def __init__(self, folder: Path) -> None:
        access = folder / "access.json"
        grants = [{"principal": USER_ARN, "collections": "*", "access": "write"}]
        access.write_text(json.dumps({"grants": grants}))
        self._environment = {
            "EVENT_BUS": "arn:aws:events:us-east-1:123456789012:event-bus/default",
            "AWS_S3_BUCKET": BUCKET,
            "AWS_REGION": "us-east-1",
            "API_AUTHORIZATION": "AWS_IAM",
            "ACCESS_TABLE": str(access),
        }
        self._current = CurrentGallery()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(building, "open_deployed_gallery", self._open_gallery)
            app = building.build_app(self._settings(folder), 6_000_000)
        self.answer = building.for_lambda(app)
        self.rekognition = rekognition_through(self.answer)

    def open(self, data: Path) -> None:
        """Let the function use the store of a data folder."""
        settings = read_settings(self._settings(data))
        self._current.gallery = open_deployed_gallery(settings, self._objects, patience=PATIENCE)

    def _settings(self, data: Path) -> dict[str, str]:
        return {**self._environment, "FACEREC_STORE": f"sqlite:///{data}/facerec.db"}

    def _open_gallery(self, _: Settings, objects: Objects, *, patience: float) -> CurrentGallery:
        """Open the gallery of no test in particular."""
        assert patience == PATIENCE
        self._objects = objects
        return self._current


@pytest.fixture(scope="session")
def lambda_function(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], LambdaFunction]:
    """Return a function that returns the function of the API."""
    return cache(lambda: LambdaFunction(tmp_path_factory.mktemp("function")))


@pytest.fixture(scope="session")
def client_of() -> Callable[[str], BaseClient]:
    """Return a function that returns boto3's client for an address."""

    @cache
    def client(address: str) -> BaseClient:
        return boto3.client(
            "rekognition", endpoint_url=address, region_name="us-east-1", config=ONE_TRY
        )

    return client


@pytest.fixture
def open_door(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[str, Gallery], str],
    lambda_function: Callable[[], LambdaFunction],
    client_of: Callable[[str], BaseClient],
) -> Iterator[Callable[[str], Door]]:
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
            if name.endswith("on lambda"):
                stack.enter_context(mock_aws())
                boto3.client("s3").create_bucket(Bucket=BUCKET)
                function = lambda_function()
                function.open(data)
                jobs_root = f"s3://{BUCKET}/jobs/"
                if name.startswith("rest"):
                    return RestLambdaDoor(gallery, data, jobs_root, function.answer)
                return RekognitionDoor(gallery, data, jobs_root, function.rekognition)
            address = serve(name, gallery)
            if name == "rest":
                return RestDoor(gallery, data, local, address)
            return RekognitionDoor(gallery, data, local, client_of(address))

        yield open_one


@pytest.fixture(params=rarely_short(DOORS, *DOORS[:-1]))
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


def put_photo(photo: Path, door: Door) -> str:
    """Copy a photo to where the jobs of a door may read it, and return its address."""
    if not door.jobs_root.startswith("s3://"):
        return str(photo)
    uri = f"s3://{BUCKET}/photos/{photo.name}"
    Objects().write(uri, photo.read_bytes())
    return uri


def run_job(door: Door, manifest: Path, **settings: object) -> Tally:
    """Plan and run a job into the door's stores, and return its sums."""
    objects, stores = Objects(), door.gallery
    plan = plan_job(
        job_input(manifest, **settings),
        objects,
        stores._records,
        jobs_root=door.jobs_root,
        model_version=stores.model_version,
    )
    dependencies = ChildDependencies(FakeEngine(), stores._faces, stores._records, objects)
    tally = Tally()
    for child in range(plan.children):
        tally.add(run_child(plan, child, dependencies).tally)
    write_report(plan, objects, tolerated_failure_percentage=5)
    return tally
