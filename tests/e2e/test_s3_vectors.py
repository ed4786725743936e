"""A stack that stores vectors in Amazon S3 Vectors, which is deployed without any other account."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.e2e.deployment import tear_down
from tests.e2e.disturbed import external_id, put_manifest
from tests.e2e.images import BATCH_IMAGE
from tests.e2e.photos import SomePhotos, some_photos
from tests.e2e.stack import BuiltStack, DeployedStack

pytestmark = pytest.mark.long

COLLECTION = "Vectors"


@pytest.fixture(scope="module")
def photos() -> SomePhotos:
    photos = some_photos()
    others = [photo for photo in photos.lines if photo != photos.known]
    return SomePhotos([photos.known, *others[:39]], photos.probe, photos.known)


@pytest.fixture(scope="module")
def stack(built: BuiltStack) -> Iterator[DeployedStack]:
    stack = DeployedStack(built, "vectors")
    # The one parameter that has no default.
    stack.parameters = {"BatchImageUri": BATCH_IMAGE}
    stack.deploy()
    yield stack
    tear_down(built.emulator, "vectors")
    assert built.vectors.buckets == {}


def test_a_job_stores_faces_that_the_api_finds_and_erases(
    stack: DeployedStack, photos: SomePhotos, built: BuiltStack
) -> None:
    document = {
        "collection_id": COLLECTION,
        "create_collection": True,
        "manifest": put_manifest(stack, photos),
        "images_per_child": 20,
    }
    ended = stack.ended(stack.start(document, "vectors"))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    faces = json.loads(ended["output"])["faces_indexed"]
    (indexes,) = built.vectors.buckets.values()
    (stored,) = (index for name, index in indexes.items() if name.startswith("vectors-"))
    assert len(stored.vectors) == faces > 0

    image = base64.b64encode(photos.probe.read_bytes()).decode()
    status, answer = stack.post(
        "/api/v1/face-recognition/match", {"collection_id": COLLECTION, "image": image}
    )
    assert status == 200, answer
    best = answer["faces"][0]["matches"][0]["face"]["external_image_id"]
    lines = [line for line, photo in enumerate(photos.lines) if photo == photos.known]
    assert best in [external_id(line) for line in lines]

    target = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "RekognitionService.DeleteCollection",
    }
    assert stack.post("/", {"CollectionId": COLLECTION}, target)[0] == 200
    assert not any(index.vectors for index in indexes.values())
