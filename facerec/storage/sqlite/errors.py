"""SQLite's errors in facerec's terms."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.errors import FacerecError, InvalidInputError, StoreUnavailableError


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise what goes wrong with the database at ``path`` as a ``FacerecError`` that names it."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        # Bugs in the calling code, which a retry or another file would not fix.
        raise
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"cannot open the store {path}: {error.strerror}", "check the data folder"
        ) from error


def _translated(error: sqlite3.Error, path: Path) -> FacerecError:
    # the low byte is the primary code; see https://www.sqlite.org/rescode.html
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreUnavailableError(
            f"no space is left for the store {path}",
            "free space on its disk, then try again",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailableError(
            f"another process holds the store {path}", "try again when it has finished"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreUnavailableError(
            f"the store {path} cannot be written", "check the permissions of its folder"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return InvalidInputError(f"{path} is not a facerec store", "choose another data folder")
    if code == sqlite3.SQLITE_CORRUPT:
        return InvalidInputError(
            f"the store {path} is damaged", "restore it from a backup, or index the photos again"
        )
    return StoreUnavailableError(f"the store {path} failed: {error}", "check its disk and folder")
