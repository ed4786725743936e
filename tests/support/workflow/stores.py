"""A stack with the stores that a deployment with default parameters has."""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest

import facerec.factory.engines
from facerec.config import read_settings
from facerec.factory import open_deployed_gallery
from facerec.gallery.gallery import Gallery
from facerec.storage.objects import Objects
from facerec.testing.engine import FakeEngine
from lambdas.erasure import handler
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.workflow.stack import BUCKET, Stack

TABLE = "facerec-records"
VECTORS = "facerec-vectors"


def deploy_with_stores(
    deploy: Callable[..., Stack],
    monkeypatch: pytest.MonkeyPatch,
    engine_of: Callable[[str], FakeEngine] = lambda _: FakeEngine(),
    **settings: str,
) -> Stack:
    """Deploy a stack with a table and a vector bucket; a server of S3 Vectors is running.

    Args:
        deploy: Deploys a stack.
        monkeypatch: Replaces the engines.
        engine_of: Returns the engine of a recipe.
        settings: Environment of the functions.
    """
    _prepare(monkeypatch, engine_of)
    stores = {"FACEREC_STORE": "", "FACEREC_TABLE": TABLE, "VECTOR_BUCKET": VECTORS}
    return deploy(**stores | settings)


def deploy_with_pinecone(
    deploy: Callable[..., Stack],
    monkeypatch: pytest.MonkeyPatch,
    server: PineconeServer,
    **settings: str,
) -> Stack:
    """Deploy a stack with a table and a Pinecone index, which a server has."""
    _prepare(monkeypatch)
    stack = deploy(
        FACEREC_STORE="",
        FACEREC_TABLE=TABLE,
        VECTOR_BUCKET="",
        PINECONE_API_KEY=API_KEY,
        PINECONE_INDEX_HOST=server.host,
        **settings,
    )
    stack.permissions.conditions = frozenset({"Pinecone"})
    return stack


def _prepare(
    monkeypatch: pytest.MonkeyPatch,
    engine_of: Callable[[str], FakeEngine] = lambda _: FakeEngine(),
) -> None:
    engines = facerec.factory.engines
    monkeypatch.setattr(engines, "open_deployed_engine", lambda _, recipe="fast": engine_of(recipe))
    monkeypatch.setattr(engines, "open_local_engine", lambda recipe="fast": engine_of(recipe))
    handler._gallery.cache_clear()
    boto3.client("dynamodb", region_name="us-east-1").create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def open_api_gallery(**settings: str) -> Gallery:
    """Open the gallery of the function behind API Gateway."""
    environment = {
        "AWS_S3_BUCKET": BUCKET,
        "FACEREC_TABLE": TABLE,
        "VECTOR_BUCKET": VECTORS,
        "ERASURE_FUNCTION": "ErasureFunction",
        "AWS_REGION": "us-east-1",
        **settings,
    }
    return open_deployed_gallery(read_settings(environment), Objects())
