from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    NotFoundError,
    StoreUnavailableError,
)
from facerec.storage.faces import FaceStore
from facerec.storage.pinecone import open_pinecone_vectors
from facerec.storage.pinecone.limits import REQUESTS_IN_FLIGHT
from facerec.testing.engine import fake_embedding
from facerec.testing.faces import by_image, stored_face
from tests.support.pinecone_server import API_KEY, PineconeServer

pytest.importorskip("pinecone")


def open_faces(api_key: str, **settings: Any) -> FaceStore:  # noqa: ANN401 - passed on
    return FaceStore(open_pinecone_vectors(api_key, **settings))


def ids_of(faces: Iterable[StoredFace]) -> list[str]:
    return [face.record.face_id for face in faces]


def search_one(
    store: FaceStore, probe: np.ndarray, *, limit: int = 10, max_distance: float = 0.6
) -> list[tuple[str, float]]:
    (neighbours,) = store.search("staff", probe[None], limit=limit, max_distance=max_distance)
    return [(neighbour.record.face_id, neighbour.distance) for neighbour in neighbours]


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with PineconeServer() as server:
        yield server


@pytest.fixture
def store(server: PineconeServer) -> Iterator[FaceStore]:
    with open_faces(API_KEY, host=server.host) as store:
        yield store


@pytest.fixture
def hasty_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client's own retries follow one another at once; those of the store still pause."""
    monkeypatch.setattr(
        "pinecone._internal.http_client._retry_sleep", lambda seconds: None, raising=False
    )


def test_a_photo_that_was_looked_up_is_not_listed_again_when_it_is_stored(
    server: PineconeServer, store: FaceStore
) -> None:
    store.put_images("staff", by_image([stored_face("somebody")]))
    people = [stored_face(f"person {number}") for number in range(30)]
    images = by_image(people)
    before = server.requests["/vectors/list"]
    assert store.get_images("staff", list(images)) == {}
    assert server.requests["/vectors/list"] == before + 31
    store.put_images("staff", images)
    assert server.requests["/vectors/list"] == before + 31
    assert store.count_faces("staff") == 31


def image_ids(faces: Iterable[StoredFace]) -> dict[str, str]:
    """Return the image ids of faces by the key of their photo."""
    return {group_of(face.record.face_id): face.record.image_id for face in faces}


def test_photos_with_known_image_ids_are_looked_up_together(
    server: PineconeServer, store: FaceStore
) -> None:
    stored = [stored_face(f"person {number}") for number in range(700)]
    store.put_images("staff", by_image(stored))
    new = [stored_face(f"stranger {number}") for number in range(1300)]
    server.requests.clear()
    with open_faces(API_KEY, host=server.host) as other:
        wanted = image_ids([*stored, *new])
        found = other.get_images("staff", list(wanted), image_ids=wanted)
        assert found == {key: [face.record] for key, (face,) in by_image(stored).items()}
        # Two requests name 1,000 photos each; the first one has a second page.
        assert server.requests["/vectors/fetch_by_metadata"] == 3
        assert server.requests["/vectors/fetch"] == 0
        other.put_images("staff", by_image(new[:500]))
        assert server.requests["/vectors/list"] == 0


def test_a_photo_found_by_its_image_id_loses_its_earlier_faces(
    server: PineconeServer, store: FaceStore
) -> None:
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    store.put_images("staff", by_image([first]))
    with open_faces(API_KEY, host=server.host) as other:
        other.get_images("staff", list(by_image([second])), image_ids=image_ids([second]))
        other.put_images("staff", by_image([second]))
    assert set(server.namespaces["staff"]) == {second.record.face_id}


def test_a_server_that_cannot_fetch_by_metadata_is_asked_to_list(
    server: PineconeServer, store: FaceStore
) -> None:
    server.fetches_by_metadata = False
    faces = [stored_face(f"person {number}") for number in range(30)]
    store.put_images("staff", by_image(faces))
    with open_faces(API_KEY, host=server.host) as other:
        found = other.get_images("staff", list(by_image(faces)), image_ids=image_ids(faces))
    assert found == {key: [face.record] for key, (face,) in by_image(faces).items()}


def test_images_put_into_an_empty_collection_cost_one_listing_and_one_upsert(
    server: PineconeServer, store: FaceStore
) -> None:
    store.put_images("staff", by_image([stored_face(f"person {n}") for n in range(300)]))
    assert server.requests["/vectors/list"] == 1
    assert server.requests["/vectors/upsert"] == 1
    assert server.requests["/vectors/delete"] == 0


def test_nothing_is_listed_in_a_collection_that_is_known_to_be_new(server: PineconeServer) -> None:
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    others = by_image([stored_face(f"person {number}") for number in range(30)])
    with open_faces(API_KEY, host=server.host) as store:
        store.expect_empty("staff")
        for images in (by_image([first]), by_image([second]), others):
            store.get_images("staff", list(images))
            store.put_images("staff", images)
        assert server.requests["/vectors/list"] == 0
        # What the store wrote itself is replaced and found all the same.
        assert store.get_faces("staff", [first.record.face_id]) == []
        assert store.get_images("staff", list(by_image([second]))) == {
            next(iter(by_image([second]))): [second.record]
        }
        assert store.count_faces("staff") == 31
        store.get_images("guests", list(others))
        assert server.requests["/vectors/list"] > 0


def test_faces_replaced_before_they_are_readable_are_gone_in_the_end(
    server: PineconeServer, store: FaceStore
) -> None:
    server.lags = True
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    store.put_images("staff", by_image([first]))
    store.put_images("staff", by_image([second]))
    server.settle()
    assert store.list_faces("staff") == [second.record]


def test_looking_up_a_photo_does_not_hide_faces_that_are_not_readable_yet(
    server: PineconeServer, store: FaceStore
) -> None:
    server.lags = True
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    images = by_image([first])
    store.put_images("staff", images)
    assert store.get_images("staff", list(images)) == {}
    store.put_images("staff", by_image([second]))
    server.settle()
    assert store.list_faces("staff") == [second.record]


def test_faces_stored_by_another_process_are_replaced(
    server: PineconeServer, store: FaceStore
) -> None:
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    with open_faces(API_KEY, host=server.host) as other:
        other.put_images("staff", by_image([first]))
    store.put_images("staff", by_image([second]))
    assert store.list_faces("staff") == [second.record]


def test_a_failed_put_is_repaired_by_repeating_it(server: PineconeServer, store: FaceStore) -> None:
    first, second = stored_face("ann", image="group"), stored_face("bob", image="group", place=1)
    store.put_images("staff", by_image([first]))
    server.fail("/vectors/delete", 400, 1)
    with pytest.raises(FacerecError, match="400"):
        store.put_images("staff", by_image([second]))
    store.put_images("staff", by_image([second]))
    assert store.list_faces("staff") == [second.record]


@pytest.mark.usefixtures("hasty_client")
def test_throttled_requests_are_retried_until_they_succeed(
    server: PineconeServer, store: FaceStore
) -> None:
    server.fail("/vectors/upsert", 429, 3)
    server.fail("/vectors/upsert", 503, 3)
    face = stored_face("ann")
    store.put_images("staff", by_image([face]))
    assert store.list_faces("staff") == [face.record]
    assert server.requests["/vectors/upsert"] == 7


@pytest.mark.usefixtures("hasty_client")
def test_a_service_that_refuses_for_longer_than_patience_is_unavailable(
    server: PineconeServer,
) -> None:
    with open_faces(API_KEY, host=server.host, patience=0.01) as store:
        server.fail("/query", 429, 50)
        with pytest.raises(StoreUnavailableError, match="throttles"):
            search_one(store, fake_embedding("ann"))


@pytest.mark.usefixtures("hasty_client")
def test_a_service_that_cannot_be_reached_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            open_faces(API_KEY, host=host, patience=0.01)


def test_a_partially_accepted_upsert_is_an_error(server: PineconeServer, store: FaceStore) -> None:
    server.loses = 1
    with pytest.raises(StoreUnavailableError, match="1 of 2 vectors"):
        store.put_images("staff", by_image([stored_face("ann"), stored_face("bob")]))


def test_threads_that_share_a_store_keep_within_its_requests_in_flight(
    server: PineconeServer, store: FaceStore
) -> None:
    store.put_images("staff", by_image([stored_face("ann")]))
    several = np.stack([fake_embedding(f"person {number}") for number in range(20)])
    server.delay = 0.01
    with ThreadPoolExecutor(24) as callers:
        for probes in (several, *several.reshape(20, 1, 128)):
            callers.submit(store.search, "staff", probes, limit=1, max_distance=1.0)
    assert server.requests["/query"] == 40
    assert 1 < server.busiest <= REQUESTS_IN_FLIGHT


def test_a_face_takes_about_two_kilobytes_and_keeps_every_bit(
    server: PineconeServer, store: FaceStore
) -> None:
    random = np.random.default_rng(3)
    faces = [
        stored_face(f"person {n}", embedding=random.normal(0, 0.1, 128).astype(np.float32))
        for n in range(100)
    ]
    store.put_images("staff", by_image(faces))
    assert server.received["/vectors/upsert"] < 100 * 2300
    found = store.get_faces("staff", ids_of(faces))
    assert [face.embedding.tobytes() for face in found] == [f.embedding.tobytes() for f in faces]


def test_long_sources_keep_upserts_and_answers_within_their_bytes(
    server: PineconeServer, store: FaceStore
) -> None:
    source = "s3://bucket/" + "ü" * 3000
    faces = [
        stored_face("ann", image=f"shot {shot}", away=0.2, shot=shot, source=source)
        for shot in range(700)
    ]
    store.put_images("staff", by_image(faces))
    assert server.requests["/vectors/upsert"] >= 3
    found = search_one(store, fake_embedding("ann"), limit=700, max_distance=1.0)
    assert {face_id for face_id, _ in found} == set(ids_of(faces))


def test_metadata_that_is_too_long_is_refused_before_anything_is_stored(
    store: FaceStore,
) -> None:
    long = stored_face("bob", source="s3://bucket/" + "k" * 9000)
    with pytest.raises(ValueError, match="too long"):
        store.put_images("staff", by_image([stored_face("ann"), long]))
    assert store.count_faces("staff") == 0


def test_names_sources_and_the_key_reach_no_log_and_no_message(
    server: PineconeServer, store: FaceStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    face = stored_face("ann", external_image_id="Ann Example", source="s3://photos/ann-e.jpg")
    store.put_images("staff", by_image([face]))
    store.get_images("staff", list(by_image([face])))
    search_one(store, face.embedding)
    server.fail("/vectors/upsert", 400, 1)
    with pytest.raises(FacerecError) as raised:
        store.put_images("staff", by_image([face]))
    for text in (caplog.text, str(raised.value), raised.value.hint or ""):
        assert "Ann Example" not in text
        assert "ann-e.jpg" not in text
        assert API_KEY not in text


class TestOpening:
    @pytest.fixture
    def control_plane(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[PineconeServer], None]:
        """Return what makes the client ask a server for its indexes."""
        return lambda server: monkeypatch.setenv("PINECONE_CONTROLLER_HOST", server.host)

    def test_an_index_is_found_by_its_name(
        self, server: PineconeServer, control_plane: Callable[[PineconeServer], None]
    ) -> None:
        control_plane(server)
        with open_faces(API_KEY, index_name="faces") as store:
            store.put_images("staff", by_image([stored_face("ann")]))
            assert store.count_faces("staff") == 1

    def test_an_index_whose_host_is_given_is_not_looked_up_by_its_name(
        self, server: PineconeServer, control_plane: Callable[[PineconeServer], None]
    ) -> None:
        control_plane(server)
        with open_faces(API_KEY, index_name="faces", host=server.host) as store:
            store.put_images("staff", by_image([stored_face("ann")]))
            assert store.count_faces("staff") == 1
        assert not [path for path in server.requests if path.startswith("/indexes")]

    def test_an_unknown_index_is_an_error_with_a_hint(
        self, server: PineconeServer, control_plane: Callable[[PineconeServer], None]
    ) -> None:
        control_plane(server)
        with pytest.raises(NotFoundError) as raised:
            open_faces(API_KEY, index_name="elsewhere")
        assert "dimension 128 and metric euclidean" in (raised.value.hint or "")

    @pytest.mark.parametrize("by_name", [True, False], ids=["by name", "by host"])
    @pytest.mark.parametrize(
        ("dimension", "metric", "said"), [(512, "euclidean", "512"), (128, "cosine", "cosine")]
    )
    def test_an_index_of_another_dimension_or_metric_is_refused(
        self,
        control_plane: Callable[[PineconeServer], None],
        dimension: int,
        metric: str,
        said: str,
        by_name: bool,
    ) -> None:
        with PineconeServer(dimension=dimension, metric=metric) as server:
            control_plane(server)
            where = {"index_name": "faces"} if by_name else {"host": server.host}
            with pytest.raises(ConfigurationError, match=said) as raised:
                open_faces(API_KEY, **where)
        assert "dimension 128 and metric euclidean" in (raised.value.hint or "")

    def test_a_wrong_key_is_an_error_that_names_the_variable_and_not_the_key(
        self, server: PineconeServer
    ) -> None:
        with pytest.raises(AccessDeniedError) as raised:
            open_faces("a-wrong-key", host=server.host)
        assert "PINECONE_API_KEY" in (raised.value.hint or "")
        assert "a-wrong-key" not in f"{raised.value} {raised.value.hint}"

    @pytest.mark.parametrize(
        ("key", "where"),
        [
            (API_KEY, {}),
            ("", {"index_name": "faces"}),
            ("key\nof two lines", {"index_name": "faces"}),
            (API_KEY, {"host": "nowhere"}),
        ],
        ids=["no index", "no key", "no header value", "no host"],
    )
    def test_an_impossible_index_name_or_key_is_refused_without_a_request(
        self, key: str, where: dict[str, str]
    ) -> None:
        with pytest.raises(ConfigurationError) as raised:
            open_faces(key, **where)
        assert raised.value.hint
