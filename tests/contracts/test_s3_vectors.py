"""The store on Amazon S3 Vectors keeps the contracts, whatever its documentation leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from facerec.errors import ConflictError
from facerec.storage.faces import FaceStore
from facerec.storage.s3vectors import S3Vectors, open_s3_vectors
from facerec.testing.face_store import FaceStoreContract
from facerec.testing.vector_store import VectorStoreContract
from facerec.testing.vectors import by_group, vector_of
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


@pytest.mark.parametrize("moment", ["put", "get"])
def test_a_vector_deleted_while_its_metadata_is_changed_stays_deleted(
    vectors: S3Vectors, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    vector = vector_of("ann")
    vectors.put_groups("staff", by_group([vector]))
    indexes = vectors._indexes
    call = getattr(indexes, moment)
    calls = iter(range(100))

    def interrupted(*arguments: object, **named: object) -> object:
        # before the vector is put, and before its group is looked up
        if next(calls) == {"put": 0, "get": 1}[moment]:
            monkeypatch.setattr(indexes, moment, call)
            vectors.delete_vectors("staff", [vector.id])
        return call(*arguments, **named)

    monkeypatch.setattr(indexes, moment, interrupted)
    vectors.change_metadata("staff", {vector.id: {"a": "1"}})
    assert vectors.list_vectors("staff") == []
    assert vectors.get_groups("staff", [vector.group]) == {}


def test_an_added_vector_that_others_always_leave_out_of_its_group_is_a_conflict(
    vectors: S3Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.put_groups("staff", by_group([vector_of("ann")]))
    put_members = vectors._put_members

    def overwritten(namespace: str, members: Mapping[str, Sequence[str]]) -> None:
        put_members(namespace, dict.fromkeys(members, ()))

    monkeypatch.setattr(vectors, "_put_members", overwritten)
    with pytest.raises(ConflictError, match="adding vectors to the same groups"):
        vectors.add_vectors("staff", by_group([vector_of("bob")]))
