"""Translates errors of SQLite into errors of facerec."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.errors import (
    FacerecError,
    NoSpaceError,
    StoreDamagedError,
    StoreUnavailableError,
)

_NO_TEXT = "Could not decode to UTF-8"
"""Message of Python's sqlite3 for a text from a damaged page, which has no SQLite error code."""

_SHARED_STATE = 32 * 1024
"""Size in bytes of the shared state of a write-ahead log (https://www.sqlite.org/walformat.html)."""


def damaged(what: str) -> sqlite3.DatabaseError:
    """Return an error like SQLite's, for damaged content that SQLite itself cannot detect."""
    error = sqlite3.DatabaseError(f"{what} is damaged")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise errors of the database at ``path`` as a ``FacerecError`` that names it.

    Errors that show a bug in the calling code, such as ``sqlite3.IntegrityError``, are not changed.

    Raises:
        StoreDamagedError: The file is damaged, or is not a database.
        NoSpaceError: Its disk is full.
        StoreUnavailableError: The file is locked, cannot be written or opened, or SQLite reports
            another error.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        # These are bugs in the calling code, which a retry or another file would not fix.
        raise
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    except json.JSONDecodeError as error:
        # Values that SQLite stores have no checksum.
        raise StoreDamagedError(str(path)) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"cannot open the store {path}: {error.strerror}", "check the data folder"
        ) from error


def _is_disk_full(path: Path) -> bool:
    """Return whether the disk is too full for the file that shares the state of the log.

    SQLite reports a general I/O error if it cannot create this file when it opens a store.
    """
    try:
        return shutil.disk_usage(path.parent).free < _SHARED_STATE
    except OSError:
        return False


def _translated(error: sqlite3.Error, path: Path) -> FacerecError:
    # the low byte is the primary code; see https://www.sqlite.org/rescode.html
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_disk_full(path)):
        return NoSpaceError(
            f"no space is left for the store {path}",
            "free space on its disk, which deletions need too, then try again",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailableError(
            f"another process has locked the store {path}", "try again when it has finished"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreUnavailableError(
            f"the store {path} cannot be written", "check the permissions of its folder"
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or _NO_TEXT in str(error):
        return StoreDamagedError(str(path))
    return StoreUnavailableError(f"the store {path} failed: {error}", "check its disk and folder")
