"""The embedded store keeps every contract, with and without an index beside its file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from facerec.storage.faces import FaceStore
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.approximate import ApproximateSearch
from facerec.storage.sqlite.vector_store import SqliteVectors
from facerec.testing.clusters import ClusterStoreContract
from facerec.testing.face_store import FaceStoreContract
from facerec.testing.records.access_keys import AccessKeyStoreContract
from facerec.testing.records.collections import CollectionContract
from facerec.testing.records.record_store import RecordStoreContract
from facerec.testing.registrations import FaceEventContract
from facerec.testing.thumbnails import ThumbnailStoreContract
from facerec.testing.vector_store import VectorStoreContract


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        yield store


class TestSqliteVectors(VectorStoreContract):
    @pytest.fixture
    def store(self, sqlite_store: SqliteStore) -> SqliteVectors:
        return sqlite_store.vectors


@pytest.mark.skipif(
    find_spec("faiss") is None, reason="needs the extra: pip install 'facerec[faiss]'"
)
class TestApproximateSqliteVectors(VectorStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteVectors]:
        monkeypatch.setattr("facerec.storage.sqlite.approximate.MIN_FACES", 16)
        # the first search of a process would be exact
        monkeypatch.setattr(ApproximateSearch, "_is_first_search", lambda *_: False)
        with SqliteStore(tmp_path / "facerec.db", large=1) as store:
            yield store.vectors


class TestSqliteFaces(FaceStoreContract):
    @pytest.fixture
    def faces(self, sqlite_store: SqliteStore) -> FaceStore:
        return sqlite_store


class TestSqliteCollections(CollectionContract):
    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteRecords(RecordStoreContract):
    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteAccessKeys(AccessKeyStoreContract):
    @pytest.fixture
    def keys(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteClusters(ClusterStoreContract):
    @pytest.fixture
    def clusters(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store

    @pytest.fixture
    def faces(self, sqlite_store: SqliteStore) -> FaceStore:
        return sqlite_store

    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteRegistrations(FaceEventContract):
    @pytest.fixture
    def faces(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store

    @pytest.fixture
    def registrations(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store

    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteThumbnails(ThumbnailStoreContract):
    @pytest.fixture
    def thumbnails(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store

    @pytest.fixture
    def faces(self, sqlite_store: SqliteStore) -> FaceStore:
        return sqlite_store

    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store
