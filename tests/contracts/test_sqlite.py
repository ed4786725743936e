from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.storage.sqlite import SqliteStore
from facerec.testing.face_store import FaceStoreContract
from facerec.testing.record_store import RecordStoreContract


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        yield store


class TestSqliteFaceStore(FaceStoreContract):
    @pytest.fixture
    def store(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteRecordStore(RecordStoreContract):
    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store
