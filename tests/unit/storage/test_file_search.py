"""The bytes of a row are found in a database, and told from those of longer texts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from facerec.storage.file_search import Columns, search_files

ANN = Columns(("staff", "an"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def write(path: Path, *people: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(
        "CREATE TABLE user (collection_id TEXT, user_id TEXT, created_at REAL, name TEXT, "
        "PRIMARY KEY (collection_id, user_id)) WITHOUT ROWID"
    )
    rows = [("staff", user_id, 1.5, "x" * 300) for user_id in people]
    connection.executemany("INSERT INTO user VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    return connection


def is_found(path: Path) -> bool:
    return str(path) in search_files([path], [ANN])


def test_a_row_is_found_and_one_that_only_begins_alike_is_not(path: Path) -> None:
    write(path, "anna", "bob", "a" * 400).close()
    assert not is_found(path)
    assert search_files([path], [b"staffan"]) == {str(path): [0]}
    write(path.with_name("other"), "an", "anna").close()
    assert is_found(path.with_name("other"))


def test_a_deleted_row_whose_header_is_overwritten_is_found(path: Path) -> None:
    connection = write(path, "an", "bob", "zoe")
    connection.execute("DELETE FROM user WHERE user_id = 'an'")
    connection.commit()
    connection.close()
    assert is_found(path)


def test_other_files_have_no_rows(path: Path) -> None:
    path.write_bytes(b"staffan")
    assert not is_found(path)
