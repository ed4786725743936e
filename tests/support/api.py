"""The live API of the functional tests, and Rekognition's own client for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from starlette.types import ASGIApp, Receive, Scope, Send

from facerec.testing.engine import FakeEngine
from tests.support.gallery import Clock, Collaborators


@dataclass
class Api:
    """A live server and its collaborators."""

    address: str
    collaborators: Collaborators
    engine: FakeEngine
    clock: Clock
    bucket: Path


class Switchboard:
    """An ASGI application that passes each request to the application of the current test."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


SESSION = boto3.Session()
"""Shared session, so that the model of the service is read once."""


@cache
def rekognition_client(
    address: str, key: str = "AKIDEXAMPLE", secret: str = "secret", region: str = "eu-west-1"
) -> BaseClient:
    client = SESSION.client(
        "rekognition",
        endpoint_url=address,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    client.meta.events.register("before-parse.rekognition", check_shape)
    return client


ADDED = {"Distance", "Decision", "ModelId"}
"""Keys that facerec adds to Rekognition's responses."""


def check_shape(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:  # noqa: ANN401
    """Check each response before botocore drops the keys that its model lacks."""
    if response_dict["status_code"] == 200:
        assert_shape(json.loads(response_dict["body"]), operation_model.output_shape)


def assert_shape(value: Any, shape: Any) -> None:  # noqa: ANN401
    kinds = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "float": float,
        "timestamp": float,
        "integer": int,
        "long": int,
    }
    assert isinstance(value, kinds[shape.type_name]), (shape.name, type(value))
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members) | ADDED, shape.name
        for name in set(value) & set(shape.members):
            assert_shape(value[name], shape.members[name])
    elif shape.type_name == "list":
        for item in value:
            assert_shape(item, shape.member)
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum
        pattern = shape.metadata.get("pattern")
        assert pattern is None or re.fullmatch(pattern, value), (shape.name, value)
