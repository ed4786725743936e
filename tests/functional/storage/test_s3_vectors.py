"""The store on Amazon S3 Vectors in trouble, and how many requests it makes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facerec.errors import (
    ConfigurationError,
    InvalidInputError,
    StoreThrottledError,
    StoreUnavailableError,
)
from facerec.storage.s3vectors import S3Vectors, open_s3_vectors, vector_store
from facerec.testing.vectors import by_group, vector_of
from tests.support.s3vectors_server import S3VectorsServer

BUCKET = "facerec-vectors"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3VectorsServer]:
    with S3VectorsServer() as server:
        server.buckets[BUCKET] = {}
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
        yield server


@pytest.fixture
def store(server: S3VectorsServer) -> Iterator[S3Vectors]:
    opened = open_s3_vectors(BUCKET, region="us-east-1", patience=1)
    yield opened
    opened.close()


def put_strangers(store: S3Vectors, count: int) -> None:
    store.put_groups("staff", by_group([vector_of(f"person {each}") for each in range(count)]))


def count_found(store: S3Vectors, limit: int, max_distance: float = 100.0) -> int:
    probe = vector_of("ann").values
    (found,) = store.search("staff", probe[None], limit=limit, max_distance=max_distance)
    distances = [match.distance for match in found]
    assert distances == sorted(distances)
    return len(found)


@pytest.mark.parametrize("largest", [100, 10_000])
def test_a_search_returns_more_matches_than_a_query(
    server: S3VectorsServer, store: S3Vectors, largest: int
) -> None:
    server.largest_top_k = largest
    put_strangers(store, 150)
    assert [count_found(store, limit) for limit in (1, 100, 101, 4096)] == [1, 100, 101, 150]


def test_a_search_reads_no_more_vectors_if_few_are_near(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    put_strangers(store, 150)
    assert count_found(store, 4096, max_distance=0.01) == 0
    assert server.requests["ListVectors"] == 0


def test_a_service_that_returned_100_neighbours_is_not_asked_for_more_again(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    put_strangers(store, 150)
    for _ in range(3):
        count_found(store, 101)
    assert server.requests["QueryVectors"] == 4


def test_a_search_of_a_large_collection_for_more_matches_is_refused(
    store: S3Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_strangers(store, 150)
    monkeypatch.setattr(vector_store, "MAX_COMPARED", 149)
    # A search for 100 matches requests one more.
    assert count_found(store, 101) == 100
    with pytest.raises(InvalidInputError, match="at most 100 matches"):
        count_found(store, 103)


def test_an_index_that_cannot_be_searched_is_a_fault_of_the_configuration(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    put_strangers(store, 3)
    server.largest_top_k = 50
    with pytest.raises(ConfigurationError, match="S3 Vectors refuses the query"):
        count_found(store, 101)


def test_throttled_requests_are_tried_again(server: S3VectorsServer, store: S3Vectors) -> None:
    server.fail("PutVectors", 429, times=1)
    server.fail("GetVectors", 503, times=1)
    store.put_groups("staff", by_group([vector_of("ann")]))
    assert store.count_vectors("staff") == 1


@pytest.mark.parametrize(
    "operation",
    [
        "CreateIndex",
        "DeleteIndex",
        "DeleteVectors",
        "GetVectors",
        "ListIndexes",
        "ListVectors",
        "PutVectors",
        "QueryVectors",
    ],
)
def test_every_request_that_the_client_gives_up_is_sent_again(
    server: S3VectorsServer, operation: str
) -> None:
    attempts_of_the_client = 3
    server.fail(operation, 503, attempts_of_the_client)
    store = open_s3_vectors(BUCKET, region="us-east-1", patience=20)
    vector = vector_of("ann")
    store.put_groups("staff", by_group([vector]))
    assert store.stored_namespaces(["staff"]) == {"staff"}
    assert store.count_vectors("staff") == count_found(store, 1) == 1
    assert store.delete_vectors("staff", [vector.id]) == [vector.id]
    store.delete_namespace("staff")
    store.close()
    assert server.requests[operation] > attempts_of_the_client


@pytest.mark.long
def test_writers_that_exceed_the_rate_of_an_index_together_slow_down_to_it(
    server: S3VectorsServer,
) -> None:
    server.vectors_per_second = 300
    stores = [
        open_s3_vectors(BUCKET, region="us-east-1", patience=5, throttled=120) for _ in range(8)
    ]

    def write(writer: int) -> None:
        for step in range(2):
            named = [vector_of(f"person {writer} {step} {each}") for each in range(128)]
            stores[writer].put_groups("staff", by_group(named))

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(write, range(len(stores))))
    assert stores[0].count_vectors("staff") == 8 * 2 * 128
    for store in stores:
        store.close()


def test_a_service_that_throttles_for_longer_than_the_patience_is_said_to_throttle(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    server.fail("PutVectors", 429, times=50)
    with pytest.raises(StoreThrottledError, match="TooManyRequests"):
        store.put_groups("staff", by_group([vector_of("ann")]))


def test_a_service_that_stays_away_is_said_to_be_unavailable(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    store.put_groups("staff", by_group([vector_of("ann")]))
    server.fail("QueryVectors", 503, times=20)
    with pytest.raises(StoreUnavailableError, match="S3 Vectors"):
        store.search("staff", np.zeros((1, 128), np.float32), limit=1, max_distance=1)


def test_a_bucket_that_does_not_exist_is_named(server: S3VectorsServer) -> None:
    store = open_s3_vectors("another", region="us-east-1", patience=5)
    with pytest.raises(ConfigurationError, match="another"):
        store.put_groups("staff", by_group([vector_of("ann")]))
    store.close()


@pytest.mark.parametrize("write", range(2, 5))
def test_a_group_whose_writing_was_cut_off_is_whole_once_it_is_put_again(
    server: S3VectorsServer, store: S3Vectors, write: int
) -> None:
    first = [vector_of("ann", group="group"), vector_of("bob", group="group", place=1)]
    second = [vector_of("cyd", group="group", place=2)]
    store.put_groups("staff", by_group(first))
    # The requests that write: members, vectors, deletion, members.
    operations = {2: "PutVectors", 3: "DeleteVectors", 4: "PutVectors"}
    done = server.requests.copy()
    answer = server.answer

    def cut_off(operation: str, body: bytes) -> dict[str, object]:
        writes = sum(server.requests[name] - done[name] for name in ("PutVectors", "DeleteVectors"))
        if operation == operations[write] and writes >= write - 1:
            server.fail(operation, 503, times=1)
        return answer(operation, body)

    server.answer = cut_off  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailableError):
        store.put_groups("staff", by_group(second))
    server.answer = answer  # type: ignore[method-assign]

    store.put_groups("staff", by_group(second))

    assert [record.id for record in store.list_vectors("staff")] == [second[0].id]
    (group,) = by_group(second)
    assert [record.id for record in store.get_groups("staff", [group])[group]] == [second[0].id]


def test_new_groups_cost_two_writes_and_no_look(server: S3VectorsServer, store: S3Vectors) -> None:
    store.put_groups("staff", by_group([vector_of("ann")]))
    before = server.requests.copy()
    store.expect_empty("staff")
    store.put_groups("staff", by_group([vector_of(f"person {each}") for each in range(200)]))
    assert server.requests - before == {"PutVectors": 2}


def test_a_search_costs_two_requests(server: S3VectorsServer, store: S3Vectors) -> None:
    store.put_groups("staff", by_group([vector_of(f"person {each}") for each in range(150)]))
    before = server.requests.copy()
    probe = vector_of("person 7").values
    (matches,) = store.search("staff", probe[None], limit=5, max_distance=2)
    assert matches[0].id == vector_of("person 7").id
    assert server.requests - before == {"QueryVectors": 1, "GetVectors": 1}


def test_metadata_that_the_service_would_refuse_is_refused_before_anything_is_written(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    long = vector_of("ann", metadata={"source": "x" * 41_000})
    with pytest.raises(ValueError, match="metadata"):
        store.put_groups("staff", by_group([vector_of("bob"), long]))
    assert server.requests["PutVectors"] == 0


@pytest.mark.long
def test_many_long_documents_go_in_requests_that_are_not_too_large(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    long = [vector_of(f"person {n}", metadata={"source": "x" * 40_000}) for n in range(600)]
    store.put_groups("staff", by_group(long))
    assert store.count_vectors("staff") == 600


def test_names_of_indexes_tell_nothing_of_the_collection(
    server: S3VectorsServer, store: S3Vectors
) -> None:
    store.put_groups("Staff.of-Berlin", by_group([vector_of("ann")]))
    assert "berlin" not in "".join(server.buckets[BUCKET]).lower()
