"""A live server for each test of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.client import BaseClient

from facerec.api.app import AppSettings
from facerec.api.auth.local import LoopbackGuard
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.support.api import Api, Switchboard, rekognition_client
from tests.support.gallery import Clock, Collaborators
from tests.support.server import running
from tests.support.shared_app import SharedApp


@pytest.fixture(scope="session")
def switchboard() -> Iterator[tuple[Switchboard, str]]:
    """One live server for all tests of a process, since starting one is slow."""
    board = Switchboard()
    with running(board) as address:
        yield board, address


@pytest.fixture(scope="session")
def shared_app() -> SharedApp:
    return SharedApp(AppSettings(LoopbackGuard()))


@pytest.fixture
def api(
    tmp_path: Path, switchboard: tuple[Switchboard, str], shared_app: SharedApp
) -> Iterator[Api]:
    """A live server with the fake engine, whose bucket ``photos`` is a folder."""
    bucket = tmp_path / "photos"
    bucket.mkdir()
    engine, clock = FakeEngine(), Clock(1_800_000_000.0)
    board, address = switchboard
    with SqliteStore(tmp_path / "facerec.db") as store:
        photos = Objects(AccessPolicy({"photos": bucket}, buckets=set()))
        collaborators = Collaborators(store, store, engine, photos, clock=clock)
        shared_app.gallery = collaborators.gallery()
        board.app = shared_app.app
        yield Api(address, collaborators, engine, clock, bucket)


@pytest.fixture
def client(api: Api) -> BaseClient:
    """boto3's own Rekognition client with another endpoint."""
    return rekognition_client(api.address)
