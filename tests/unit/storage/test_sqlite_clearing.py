"""Deleting a namespace is many short transactions, which may stop anywhere between two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore, clearing
from facerec.testing.faces import by_image, stored_face


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "IDS_AT_ONCE", 50)
    monkeypatch.setattr(clearing, "BLOCKS_AT_ONCE", 1)


def people(name: str, count: int) -> list[StoredFace]:
    return [stored_face(f"{name} {number}") for number in range(count)]


def rows_of(path: Path) -> dict[str, int]:
    """Return how many rows of each kind a file holds, whatever their namespace."""
    with SqliteStore(path) as store, store._database.reading() as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("vector", "vector_slot", "free_slot", "namespace")
        }


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("pieces", range(8))
def test_a_deletion_that_was_interrupted_is_completed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    path = tmp_path / "facerec.db"
    faces = people("gone", 200)
    with SqliteStore(path) as store:
        store.put_images("staff", by_image(faces))
        store.delete_faces("staff", [faces[0].record.face_id])
        store.put_images("guests", by_image(people("kept", 30)))
        done = 0
        clear = clearing.clear_piece

        def clear_some(database: object) -> bool:
            nonlocal done
            if done == pieces:
                raise StoppedError
            done += 1
            return clear(database)  # type: ignore[arg-type]

        monkeypatch.setattr(clearing, "clear_piece", clear_some)
        with pytest.raises(StoppedError):
            store.delete_namespace("staff")
        monkeypatch.setattr(clearing, "clear_piece", clear)
        assert store.count_faces("staff") == 0
        assert store.list_faces("staff") == []
        assert store.get_images("staff", list(by_image(faces))) == {}
        store.put_images("staff", by_image(faces[:3]))
        assert store.count_faces("staff") == 3
        store.delete_namespace("staff")
        assert store.count_faces("guests") == 30
        (found,) = store.search("guests", faces[5].embedding[np.newaxis], limit=9, max_distance=0.3)
        assert found == []
    assert rows_of(path) == {"vector": 30, "vector_slot": 30, "free_slot": 0, "namespace": 1}


def test_later_writes_continue_an_interrupted_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facerec.db"
    with SqliteStore(path) as store:
        store.put_images("staff", by_image(people("gone", 200)))
        with monkeypatch.context() as patch:
            patch.setattr(clearing, "clear_piece", lambda _: False)
            store.delete_namespace("staff")
        assert rows_of(path)["vector"] == 200
        for face in people("new", 15):
            store.put_images("guests", by_image([face]))
    assert rows_of(path) == {"vector": 15, "vector_slot": 15, "free_slot": 0, "namespace": 1}


def test_another_writer_passes_between_two_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facerec.db"
    with SqliteStore(path) as store, SqliteStore(path) as other:
        store.put_images("staff", by_image(people("gone", 300)))
        clear = clearing.clear_piece
        passed = []

        def clear_and_write(database: object) -> bool:
            more = clear(database)  # type: ignore[arg-type]
            other.put_images("guests", by_image(people(f"guest {len(passed)}", 1)))
            passed.append(more)
            return more

        monkeypatch.setattr(clearing, "clear_piece", clear_and_write)
        store.delete_namespace("staff")
        assert len(passed) > 3
        assert store.count_faces("guests") == len(passed)


def test_putting_the_same_faces_again_writes_nothing(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "facerec.db") as store:
        faces = people("same", 40)
        store.put_images("staff", by_image(faces))
        with store._database.reading() as connection:
            before = connection.execute("SELECT writes FROM namespace").fetchall()
        store.put_images("staff", by_image(faces))
        with store._database.reading() as connection:
            assert connection.execute("SELECT writes FROM namespace").fetchall() == before
