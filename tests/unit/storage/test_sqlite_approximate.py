"""The index beside the embedded store: found neighbours, changes, deletions, damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore, approximate, code_index
from facerec.testing.faces import by_image, stored_face
from tests.support.long import rarely_short

pytest.importorskip("faiss", reason="needs the extra: pip install 'facerec[faiss]'")

PEOPLE, PHOTOS = 600, 5


@pytest.fixture(scope="module")
def embeddings() -> NDArray[np.float32]:
    """Return descriptors of people, some photos of each, apart as dlib's are."""
    random = np.random.default_rng(3)
    people = 0.11 + 0.05 * random.standard_normal((PEOPLE, 128), dtype=np.float32)
    photos = np.repeat(people, PHOTOS, axis=0)
    return photos + 0.02 * random.standard_normal(photos.shape, dtype=np.float32)


def faces_of(embeddings: NDArray[np.float32], first: int = 0) -> list[StoredFace]:
    return [
        stored_face(f"photo-{number}", embedding=embedding)
        for number, embedding in enumerate(embeddings, first)
    ]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, embeddings: NDArray[np.float32]) -> Path:
    """Return a store that holds the faces and has no index."""
    path = tmp_path_factory.mktemp("faces") / "facerec.db"
    with SqliteStore(path) as store:
        store.put_images("staff", by_image(faces_of(embeddings)))
    return path


@pytest.fixture
def path(tmp_path: Path, original: Path) -> Path:
    """Return a copy of the store for one test."""
    return Path(shutil.copy(original, tmp_path))


def indexes(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.index-*"))


def search(store: SqliteStore, probes: NDArray[np.float32], limit: int = 10) -> list[list[str]]:
    """Search twice: only the second search of a process builds an index."""
    store.search("staff", probes[:1], limit=limit, max_distance=2.0)
    found = store.search("staff", probes, limit=limit, max_distance=2.0)
    return [[neighbour.record.face_id for neighbour in nearest] for nearest in found]


def test_neighbours_and_distances_are_those_of_an_exact_search(
    path: Path, embeddings: NDArray[np.float32]
) -> None:
    probes = embeddings[::100] + np.float32(0.001)
    with SqliteStore(path, large=10**9) as exact, SqliteStore(path, large=1) as store:
        expected = exact.search("staff", probes, limit=5, max_distance=2.0)
        store.search("staff", probes[:1], limit=5, max_distance=2.0)
        found = store.search("staff", probes, limit=5, max_distance=2.0)
    assert len(indexes(path)) == 1
    assert [[n.record for n in near] for near in found] == [
        [n.record for n in near] for near in expected
    ]
    for near, other in zip(found, expected, strict=True):
        assert [n.distance for n in near] == pytest.approx([n.distance for n in other], abs=1e-12)


def test_a_single_search_of_a_process_is_exact_and_builds_no_index(
    path: Path, embeddings: NDArray[np.float32]
) -> None:
    probes = embeddings[::200] + np.float32(0.001)
    with SqliteStore(path, large=10**9) as exact, SqliteStore(path, large=1) as store:
        expected = exact.search("staff", probes, limit=5, max_distance=2.0)
        assert store.search("staff", probes, limit=5, max_distance=2.0) == expected
    assert indexes(path) == []


def test_another_process_uses_the_index_that_is_there(
    path: Path, embeddings: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(path, large=1) as store:
        expected = search(store, embeddings[:3])
    monkeypatch.setattr(approximate, "make_index", None)
    with SqliteStore(path, large=1) as store:
        assert search(store, embeddings[:3]) == expected


def test_a_face_stored_after_the_index_was_built_is_found(
    path: Path, embeddings: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approximate, code_index):
        monkeypatch.setattr(module, "MAX_CHANGE", 0.5)
    new = faces_of(-embeddings[:3], first=10_000)
    with SqliteStore(path, large=1) as store:
        search(store, embeddings[:1])
        before = indexes(path)[0].stat().st_mtime_ns
        store.put_images("staff", by_image(new))
        found = search(store, -embeddings[:3], limit=1)
    assert found == [[face.record.face_id] for face in new]
    assert indexes(path)[0].stat().st_mtime_ns == before


def test_a_deleted_face_is_not_found_and_no_index_of_it_stays(
    path: Path, embeddings: NDArray[np.float32]
) -> None:
    with SqliteStore(path, large=1) as store:
        first, second = search(store, embeddings[:1], limit=2)[0]
        assert indexes(path)
        store.delete_faces("staff", [first])
        assert indexes(path) == []
        assert search(store, embeddings[:1], limit=1) == [[second]]


def test_deletion_removes_indexes_without_faiss(
    path: Path, embeddings: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(path, large=1) as store:
        search(store, embeddings[:1])
    monkeypatch.setattr("facerec.storage.sqlite.vector_store.is_available", lambda: False)
    with SqliteStore(path, large=1) as store:
        store.delete_namespace("staff")
    assert indexes(path) == []


def test_an_index_is_rebuilt_after_many_changes(
    path: Path, embeddings: NDArray[np.float32]
) -> None:
    with SqliteStore(path, large=1) as store:
        search(store, embeddings[:1])
        before = indexes(path)[0].read_bytes()
        more = faces_of(embeddings[: PEOPLE * 2] + np.float32(0.5), first=20_000)
        store.put_images("staff", by_image(more))
        search(store, embeddings[:1])
    assert len(indexes(path)[0].read_bytes()) > len(before)


@pytest.mark.parametrize(
    "damage", rarely_short([b"", b"nothing", bytes(2000), b"\xff" * 100], b"nothing")
)
def test_a_damaged_index_is_rebuilt(
    path: Path, embeddings: NDArray[np.float32], damage: bytes
) -> None:
    with SqliteStore(path, large=1) as store:
        expected = search(store, embeddings[:2])
    indexes(path)[0].write_bytes(damage)
    with SqliteStore(path, large=1) as store:
        assert search(store, embeddings[:2]) == expected
    assert len(indexes(path)[0].read_bytes()) > 2000


def test_a_truncated_index_is_rebuilt(path: Path, embeddings: NDArray[np.float32]) -> None:
    with SqliteStore(path, large=1) as store:
        expected = search(store, embeddings[:2])
    whole = indexes(path)[0].read_bytes()
    indexes(path)[0].write_bytes(whole[: len(whole) // 2])
    with SqliteStore(path, large=1) as store:
        assert search(store, embeddings[:2]) == expected


def test_only_its_owner_can_read_an_index(path: Path, embeddings: NDArray[np.float32]) -> None:
    with SqliteStore(path, large=1) as store:
        search(store, embeddings[:1])
    assert indexes(path)[0].stat().st_mode & 0o777 == 0o600


def test_small_collections_and_long_lists_are_searched_exactly(
    path: Path, embeddings: NDArray[np.float32]
) -> None:
    with SqliteStore(path) as store:
        search(store, embeddings[:1])
    with SqliteStore(path, large=1) as store:
        assert len(search(store, embeddings[:1], limit=900)[0]) == 900
    assert indexes(path) == []
