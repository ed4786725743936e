"""The store on Amazon S3 Vectors keeps the contracts, whatever its documentation leaves open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from facerec.storage.faces import FaceStore
from facerec.storage.s3vectors import S3Vectors, open_s3_vectors
from facerec.testing.face_store import FaceStoreContract
from facerec.testing.vector_store import VectorStoreContract
from tests.support.s3vectors_server import S3VectorsServer

BUCKET = "facerec-vectors"


@pytest.fixture(params=[False, True], ids=["distances", "squared distances"])
def server(request: pytest.FixtureRequest) -> Iterator[S3VectorsServer]:
    with S3VectorsServer(squares=request.param) as server:
        server.buckets[BUCKET] = {}
        yield server


@pytest.fixture
def vectors(server: S3VectorsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Vectors]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_S3VECTORS": server.address,
    }.items():
        monkeypatch.setenv(name, value)
    opened = open_s3_vectors(BUCKET, region="us-east-1")
    yield opened
    opened.close()


class TestS3Vectors(VectorStoreContract):
    many = 1200

    @pytest.fixture
    def store(self, vectors: S3Vectors) -> S3Vectors:
        return vectors


class TestS3VectorsFaces(FaceStoreContract):
    @pytest.fixture
    def faces(self, vectors: S3Vectors) -> FaceStore:
        return FaceStore(vectors)
