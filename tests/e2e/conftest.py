"""The deployed stack that all end-to-end tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deployment import build, deploy, parameters, running_emulator, tear_down
from tests.e2e.images import build_images
from tests.e2e.stack import DeployedStack
from tests.support.pinecone_server import API_KEY, PineconeServer


@pytest.fixture(scope="session")
def deployed() -> Iterator[DeployedStack]:
    if not os.environ.get("FACEREC_E2E"):
        pytest.skip("deploys to an emulator of AWS: run `make e2e`")
    with tempfile.TemporaryDirectory(prefix="facerec-e2e-") as name, PineconeServer() as pinecone:
        folder = Path(name)
        images = build_images(folder, {"PINECONE_CONTROLLER_HOST": pinecone.host})
        with running_emulator(folder, images) as emulator:
            stack = DeployedStack(emulator, pinecone, folder)
            secret = stack.client("secretsmanager").create_secret(
                Name="pinecone", SecretString=API_KEY
            )
            stack.parameters = parameters(secret["ARN"], pinecone.name)
            build(emulator, folder)
            deploy(emulator, folder, stack.parameters)
            yield stack
            tear_down(emulator)
            assert stack.remains() == []
