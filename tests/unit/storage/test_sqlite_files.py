import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.records import Collection, StoredFace
from facerec.errors import ConfigurationError, StoreDamagedError, StoreUnavailableError
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.errors import store_errors
from facerec.testing.faces import by_image, stored_face


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "facerec.db"
    with SqliteStore(path) as store:
        store.put_images("staff", by_image([stored_face("ann")]))
        modes = {entry.name: entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert modes.keys() >= {"facerec.db", "facerec.db-wal"}
    assert set(modes.values()) == {0o600}


def test_stored_faces_are_there_when_the_file_is_reopened(tmp_path: Path) -> None:
    face = stored_face("ann")
    with SqliteStore(tmp_path / "facerec.db") as store:
        store.create_collection(Collection("staff", "fake-1", 1.0))
        store.put_images("staff", by_image([face]))
    with SqliteStore(tmp_path / "facerec.db") as store:
        assert store.get_collection("staff").model_version == "fake-1"
        assert store.list_faces("staff") == [face.record]


def test_a_restored_copy_never_gets_a_version_that_the_file_had(tmp_path: Path) -> None:
    face = stored_face("ann")

    def move(store: SqliteStore, source: str) -> str | None:
        record = replace(face.record, source=source)
        store.put_images("staff", by_image([StoredFace(record, face.embedding)]))
        return store.version("staff")

    with SqliteStore(tmp_path / "facerec.db") as store:
        store.create_collection(Collection("staff", "fake-1", 1.0))
        move(store, "/first.jpg")
        shutil.copytree(tmp_path, tmp_path / "copy")
        versions = {move(store, "/second.jpg"), move(store, "/third.jpg")}
    with SqliteStore(tmp_path / "copy" / "facerec.db") as store:
        assert not versions & {move(store, "/third.jpg"), move(store, "/second.jpg")}


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "facerec.db").touch()
    with SqliteStore(tmp_path / "facerec.db") as store:
        assert store.list_collections() == []


def test_a_file_that_is_not_a_database_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    path.write_bytes(b"not a database at all " * 1000)
    with pytest.raises(StoreDamagedError) as raised:
        SqliteStore(path)
    assert str(path) in raised.value.message
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE song (title TEXT)")
    with pytest.raises(ConfigurationError, match="another program"):
        SqliteStore(path)
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("song",)]


def test_a_store_of_a_later_facerec_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    SqliteStore(path).close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="schema 99") as raised:
        SqliteStore(path)
    assert "update facerec" in (raised.value.hint or "")


def test_a_folder_that_cannot_be_created_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "facerec.db"
    with pytest.raises(StoreUnavailableError) as raised:
        SqliteStore(path)
    assert str(path) in raised.value.message


def test_a_folder_in_place_of_the_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder") as raised:
        SqliteStore(tmp_path)
    assert str(tmp_path) in raised.value.message


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE page (content BLOB)")
    connection.execute("PRAGMA max_page_count = 3")
    with (
        pytest.raises(StoreUnavailableError, match="no space is left") as raised,
        store_errors(path),
    ):
        connection.execute("INSERT INTO page VALUES (zeroblob(100000))")
    assert str(path) in raised.value.message
    assert raised.value.hint


def test_a_store_that_another_process_keeps_locked_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    SqliteStore(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    impatient = sqlite3.connect(path, timeout=0, isolation_level=None)
    with pytest.raises(StoreUnavailableError, match="another process"), store_errors(path):
        impatient.execute("BEGIN IMMEDIATE")


def test_a_store_on_a_disk_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name as odd as a path may be, since SQLite reads it from a uri.
    path = tmp_path / "data 1?#%20" / "facerec.db"
    face = stored_face("ann")
    with SqliteStore(path) as store:
        store.create_collection(Collection("staff", "fake-1", 1.0))
        store.put_images("staff", by_image([face]))
    files = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}
    # Root, as which tests may run, may write anywhere.
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    with SqliteStore(path) as store:
        assert store.list_faces("staff") == [face.record]
        (found,) = store.search("staff", face.embedding[None], limit=1, max_distance=1.0)
        assert [neighbour.record for neighbour in found] == [face.record]
        with pytest.raises(StoreUnavailableError, match="cannot be written"):
            store.put_images("staff", by_image([stored_face("bob")]))
        with pytest.raises(StoreUnavailableError, match="cannot be written"):
            store.delete_collection("staff")
    assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == files


@pytest.mark.parametrize(("free", "message"), [(0, "no space is left"), (2**30, "disk I/O error")])
def test_a_disk_that_is_too_full_to_open_a_store_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, message: str
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreUnavailableError, match=message), store_errors(tmp_path / "a.db"):
        raise error
