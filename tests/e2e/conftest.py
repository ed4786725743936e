"""The deployed stack that all end-to-end tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deployment import (
    PINECONE_HOST,
    STACK,
    build,
    pinecone_parameters,
    running_emulator,
    tear_down,
)
from tests.e2e.images import built_images
from tests.e2e.stack import BuiltStack, DeployedStack
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.s3vectors_server import S3VectorsServer

TIMEOUT = 3600
"""Seconds that a test may take on a slow machine, with the deployment and the jobs of its fixtures.
Its waits end before, once nothing changes any more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder more time than others."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="session")
def built() -> Iterator[BuiltStack]:
    """Return the emulator, and what the SAM CLI made of the template."""
    if not os.environ.get("FACEREC_E2E"):
        pytest.skip("deploys to an emulator of AWS: run `make e2e`")
    with (
        tempfile.TemporaryDirectory(prefix="facerec-e2e-") as name,
        PineconeServer() as pinecone,
        S3VectorsServer() as vectors,
    ):
        folder = Path(name)
        network = {
            PINECONE_HOST: pinecone.host,
            "AWS_ENDPOINT_URL_S3VECTORS": vectors.address,
        }
        images = built_images(network)
        with running_emulator(folder, images, vectors.address) as emulator:
            build(emulator, folder)
            yield BuiltStack(emulator, folder, pinecone, vectors)


@pytest.fixture(scope="session")
def deployed(built: BuiltStack) -> Iterator[DeployedStack]:
    """Return a stack whose vectors are in Pinecone."""
    stack = DeployedStack(built, STACK)
    secret = stack.client("secretsmanager").create_secret(Name="pinecone", SecretString=API_KEY)
    stack.parameters = pinecone_parameters(secret["ARN"], built.pinecone.name)
    stack.deploy()
    yield stack
    tear_down(built.emulator)
    assert stack.remains() == []
