from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from starlette.types import ASGIApp, Receive, Scope, Send

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.local import LoopbackGuard
from facerec.storage.objects.bucket import BucketObjects
from facerec.storage.objects.routed import open_objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.support.gallery import Clock, Collaborators
from tests.support.server import running


@dataclass
class Api:
    """A live server, and what it works with."""

    address: str
    collaborators: Collaborators
    engine: FakeEngine
    clock: Clock
    bucket: Path


class Switchboard:
    """An ASGI application that hands each request to the one that the test at hand made."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def switchboard() -> Iterator[tuple[Switchboard, str]]:
    """One live server for all tests of a process, since starting one takes a while."""
    board = Switchboard()
    with running(board) as address:
        yield board, address


@pytest.fixture
def api(tmp_path: Path, switchboard: tuple[Switchboard, str]) -> Iterator[Api]:
    """A live server with the fake engine, whose bucket ``photos`` is a folder."""
    bucket = tmp_path / "photos"
    bucket.mkdir()
    engine, clock = FakeEngine(), Clock(1_800_000_000.0)
    board, address = switchboard
    with SqliteStore(tmp_path / "facerec.db") as store:
        photos = BucketObjects(open_objects(), folders={"photos": bucket}, allowed=set())
        collaborators = Collaborators(store, store, engine, photos, clock=clock)
        board.app = create_app(collaborators.gallery(), AppSettings(LoopbackGuard()))
        yield Api(address, collaborators, engine, clock, bucket)


@pytest.fixture
def client(api: Api) -> BaseClient:
    """boto3's own Rekognition client; nothing of it is changed but the endpoint."""
    return rekognition_client(api.address)


SESSION = boto3.Session()
"""Shared, so that the service model is read once."""


@cache
def rekognition_client(
    address: str, key: str = "AKIDEXAMPLE", secret: str = "secret"
) -> BaseClient:
    client = SESSION.client(
        "rekognition",
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    client.meta.events.register("before-parse.rekognition", check_shape)
    return client


ADDED = {"Distance", "Decision", "ModelId"}
"""The keys of facerec's own in answers."""


def check_shape(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:  # noqa: ANN401
    """Check each answer that a test gets, before botocore drops what it does not know."""
    if response_dict["status_code"] == 200:
        assert_shape(json.loads(response_dict["body"]), operation_model.output_shape)


def assert_shape(value: Any, shape: Any) -> None:  # noqa: ANN401
    kinds = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "float": float,
        "timestamp": float,
        "integer": int,
        "long": int,
    }
    assert isinstance(value, kinds[shape.type_name]), (shape.name, type(value))
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members) | ADDED, shape.name
        for name in set(value) & set(shape.members):
            if value[name] is not None:
                assert_shape(value[name], shape.members[name])
    elif shape.type_name == "list":
        for item in value:
            assert_shape(item, shape.member)
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum
