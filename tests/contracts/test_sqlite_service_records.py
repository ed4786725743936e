from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.storage.sqlite import SqliteStore
from facerec.testing.service_records import AccessKeyStoreContract, ServiceRecordsContract


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        yield store


class TestSqliteServiceRecords(ServiceRecordsContract):
    @pytest.fixture
    def records(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store


class TestSqliteAccessKeys(AccessKeyStoreContract):
    @pytest.fixture
    def keys(self, sqlite_store: SqliteStore) -> SqliteStore:
        return sqlite_store
