from __future__ import annotations

from collections.abc import Iterator

import pytest

from facerec.stores.pinecone import PineconeStore, open_pinecone_store
from tests.contracts.face_store import FaceStoreContract, Settle
from tests.fakes.pinecone_server import API_KEY, PineconeServer

pytest.importorskip("pinecone")


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with PineconeServer() as server:
        yield server


@pytest.fixture
def store(server: PineconeServer) -> Iterator[PineconeStore]:
    with open_pinecone_store(api_key=API_KEY, host=server.host) as store:
        yield store


class TestStoreOnAnIndexThatIsReadAtOnce(FaceStoreContract):
    exactness = 1e-6

    @pytest.fixture
    def store(self, store: PineconeStore) -> PineconeStore:
        return store


class TestStoreOnAnIndexThatLagsBehind(FaceStoreContract):
    exactness = 1e-6

    @pytest.fixture
    def store(self, server: PineconeServer, store: PineconeStore) -> PineconeStore:
        server.lags = True
        return store

    @pytest.fixture
    def settle(self, server: PineconeServer) -> Settle:
        return server.settle
