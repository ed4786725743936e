"""The Pinecone store keeps the contracts on a server whose reads lag writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from facerec.storage.faces import FaceStore
from facerec.storage.pinecone import PineconeVectors, open_pinecone_vectors
from facerec.testing.face_store import FaceStoreContract
from facerec.testing.vector_store import VectorStoreContract
from facerec.testing.vectors import Settle
from tests.support.pinecone_server import API_KEY, PineconeServer

pytest.importorskip("pinecone")


@pytest.fixture(scope="module")
def lagging_server() -> Iterator[PineconeServer]:
    with PineconeServer() as server:
        yield server


@pytest.fixture(scope="module")
def lagging_vectors(lagging_server: PineconeServer) -> Iterator[PineconeVectors]:
    vectors = open_pinecone_vectors(API_KEY, host=lagging_server.host)
    lagging_server.lags = True
    yield vectors
    vectors.close()


@pytest.fixture
def emptied(
    lagging_server: PineconeServer, lagging_vectors: PineconeVectors
) -> Iterator[PineconeVectors]:
    yield lagging_vectors
    lagging_vectors.delete_namespace("staff")
    lagging_vectors.delete_namespace("guests")
    lagging_server.settle()


class TestPineconeVectors(VectorStoreContract):
    exactness = 1e-6
    many = 1200

    @pytest.fixture
    def store(self, emptied: PineconeVectors) -> PineconeVectors:
        return emptied

    @pytest.fixture
    def settle(self, lagging_server: PineconeServer) -> Settle:
        return lagging_server.settle


class TestPineconeFaces(FaceStoreContract):
    @pytest.fixture
    def faces(self, emptied: PineconeVectors) -> FaceStore:
        return FaceStore(emptied)

    @pytest.fixture
    def settle(self, lagging_server: PineconeServer) -> Settle:
        return lagging_server.settle
