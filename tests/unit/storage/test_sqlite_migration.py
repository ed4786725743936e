"""Files that an earlier facerec wrote are migrated when they are opened.

``data/schema-1.db.gz`` was written by the first version of the store, with faces of the fake
engine: two collections, a user with a vector, a deleted face, tags and an answered request.
"""

from __future__ import annotations

import gzip
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from facerec.core.records import AnsweredRequest, Collection, FaceRecord
from facerec.errors import ConfigurationError
from facerec.gallery.people.person_search import search_users
from facerec.storage.columns import COLUMNS, from_columns
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.schema import SCHEMA_VERSION
from facerec.testing.engine import FakeEngine
from facerec.testing.faces import by_image, stored_face

GOLDEN = Path(__file__).parent / "data" / "schema-1.db.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "facerec.db"
    path.write_bytes(gzip.decompress(GOLDEN.read_bytes()))
    return path


def written(path: Path, collection_id: str) -> dict[str, tuple[FaceRecord, bytes]]:
    """Return the faces of a file of schema 1 by id, read without facerec's store."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(COLUMNS)}, "
            "substr(embeddings, 1 + slot % 1024 * 512, 512) "
            "FROM face JOIN vectors ON block = slot / 1024 JOIN namespace USING (namespace) "
            "WHERE collection_id = ?",
            (collection_id,),
        ).fetchall()
    records = [(from_columns(dict(zip(COLUMNS, row, strict=False))), row[-1]) for row in rows]
    return {record.face_id: (record, embedding) for record, embedding in records}


@pytest.mark.parametrize(("collection_id", "faces"), [("staff", 4), ("guests", 1)])
def test_every_face_is_what_it_was(path: Path, collection_id: str, faces: int) -> None:
    before = written(path, collection_id)
    assert len(before) == faces
    with SqliteStore(path) as store:
        assert store.count_faces(collection_id) == faces
        after = store.get_faces(collection_id, list(before))
        assert {
            face.record.face_id: (face.record, face.embedding.tobytes()) for face in after
        } == before
        for face in after:
            ((nearest, *_),) = store.search(
                collection_id, face.embedding[np.newaxis], limit=2, max_distance=0.1
            )
            assert nearest.record == face.record


def test_users_are_found_by_their_vectors(path: Path) -> None:
    with SqliteStore(path) as store:
        user = store.get_user("staff", "ann:user")
        assert len(user.face_ids) == 2
        (face, _) = store.get_faces("staff", user.face_ids)
        (match,), more = search_users(
            face.embedding,
            collection_id="staff",
            faces=store,
            records=store,
            cohort=FakeEngine(),
            threshold=0.8,
            limit=5,
        )
        assert (match.user, more) == (user, False)


def test_other_records_are_what_they_were(path: Path) -> None:
    with SqliteStore(path) as store:
        assert store.list_collections() == [
            Collection("guests", "fake-1", 1_700_000_001.5),
            Collection("staff", "fake-1", 1_700_000_000.5),
        ]
        assert store.get_collection("staff").id_version == "fake-1"
        assert store.get_tags("staff") == {"team": "north"}
        assert store.get_request("token", 2.0) == AnsweredRequest("digest", "{}", 4e9)


def test_a_migrated_file_takes_faces_and_deletions(path: Path) -> None:
    with SqliteStore(path) as store:
        face = stored_face("fay")
        store.put_images("staff", by_image([face]))
        assert store.count_faces("staff") == 5
        assert store.delete_faces("staff", [face.record.face_id]) == [face.record.face_id]
    with SqliteStore(path) as store:
        assert store.count_faces("staff") == 4
        store.delete_namespace("staff")
        assert store.count_faces("staff") == 0
        assert store.count_faces("guests") == 1


def test_processes_that_open_a_file_at_once_migrate_it_once(path: Path) -> None:
    def count(_: int) -> int:
        with SqliteStore(path) as store:
            return store.count_faces("staff")

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(count, range(8))) == [4] * 8


def test_a_file_of_a_later_version_is_refused_unchanged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="later release of facerec") as raised:
        SqliteStore(path)
    assert raised.value.hint == "update facerec, or choose another data folder"
    assert path.read_bytes() == before
