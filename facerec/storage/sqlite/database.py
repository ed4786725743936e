"""Connections to one SQLite file, and its transactions.

A connection serves one thread at a time and is kept for the next. Write-ahead logging lets
readers continue while one writer of any process commits; other writers queue.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facerec.errors import ConfigurationError, StoreUnavailableError
from facerec.storage.sqlite.errors import store_errors
from facerec.storage.sqlite.schema import prepare

BUSY_TIMEOUT = 60.0
"""Seconds to wait for the lock of another writer."""

CHECKPOINT_PAUSE = 0.01
"""Seconds between two attempts at a checkpoint while another connection runs one."""

PAGE_SIZE = 4096
"""Page size in bytes. Ids are hashes, so each new one rewrites a random page: a quarter of the page
size means a quarter of the bytes written per face (``benchmarks/store_growth.py``)."""

MAX_LOG_BYTES = 64 * 1024 * 1024
"""Size of the write-ahead log at which its pages are copied into the file. The larger it is, the
more writes of a page are combined; SQLite's default is 1,000 pages."""


_COMPANIONS = ("-wal", "-shm", "-journal")
"""Suffixes of further files of a database: https://www.sqlite.org/tempfiles.html."""


class Database:
    """An open SQLite file that all threads of this process share."""

    def __init__(self, path: Path) -> None:
        """Open a store; create it if it does not exist.

        A store on a read-only disk is opened for reading.

        Raises:
            ConfigurationError: The file is not from facerec, or from a later version; or it is
                neither a regular file nor a link to one.
            StoreDamagedError: The file is damaged, or is not a database.
            StoreUnavailableError: The file cannot be opened or created.
        """
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._joined = threading.local()
        _require_regular_files(path)
        self._read_only = _is_read_only(path)
        with store_errors(path):
            if not self._read_only:
                _make_private_file(path)
            connection = _connect(path, read_only=self._read_only)
            try:
                if not self._read_only:
                    _begin_logging(connection)
                prepare(connection, path)
            except BaseException:
                connection.close()
                raise
        self._idle.append(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Provide a connection in a read transaction, which sees one snapshot of the file.

        Within ``transaction``, this is the connection of that transaction.

        Raises:
            FacerecError: The database failed; see ``store_errors``.
        """
        joined: sqlite3.Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with store_errors(self.path), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Provide a connection in a write transaction, which is durable once the block ends.

        If the block raises, the transaction is rolled back. Within ``transaction``, this is the
        connection of that transaction, which then decides whether the changes are kept.

        Raises:
            FacerecError: The database failed; see ``store_errors``.
        """
        joined: sqlite3.Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with store_errors(self.path), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite itself ends the transaction when the disk is full
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join all reads and writes of this thread within the block in one transaction.

        If the block raises, none of its changes are kept. The log is emptied at its end. If other
        processes read it for ``BUSY_TIMEOUT`` seconds, the next deletion empties it.

        Raises:
            FacerecError: The database failed; see ``store_errors``.
        """
        with self.writing() as connection:
            self._joined.connection = connection
            try:
                yield
            finally:
                self._joined.connection = None
        with suppress(StoreUnavailableError):
            self.clear_log()

    def clear_log(self) -> None:
        """Empty the write-ahead log, which contains earlier contents of changed pages.

        Within ``transaction``, the log is emptied at the end of the transaction.

        Raises:
            StoreUnavailableError: Other processes read the log for ``BUSY_TIMEOUT`` seconds.
        """
        if getattr(self._joined, "connection", None) is not None:
            return
        give_up = time.monotonic() + BUSY_TIMEOUT
        while not self._truncate_log():
            # SQLite waits for readers, but not for the checkpoint of another connection
            # (https://www.sqlite.org/c3ref/wal_checkpoint_v2.html).
            if time.monotonic() > give_up:
                raise StoreUnavailableError(
                    f"the log of the store {self.path} still contains deleted data",
                    "repeat the deletion when other processes have finished reading",
                )
            time.sleep(CHECKPOINT_PAUSE)

    def rewrite(self) -> None:
        """Rewrite the whole file without its unused parts.

        Raises:
            StoreUnavailableError: There is no space for a second file, or other processes did not
                stop reading the log.
        """
        with store_errors(self.path), self._connection() as connection:
            connection.execute("VACUUM")
        self.clear_log()

    def _truncate_log(self) -> bool:
        with store_errors(self.path), self._connection() as connection:
            (blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not blocked

    def close(self) -> None:
        """Close the idle connections; a later transaction opens a new one."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _connect(self.path, read_only=self._read_only)
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._idle.append(connection)
            raise
        else:
            self._idle.append(connection)


def _require_regular_files(path: Path) -> None:
    """Refuse a pipe or a device, which SQLite would read forever, and a folder.

    Raises:
        ConfigurationError: The database, or another file of it, exists and is not a regular file.
    """
    # SQLite looks for the other files beside the target of a link.
    target = Path(os.path.realpath(path))
    for each in (path, *(target.with_name(f"{target.name}{suffix}") for suffix in _COMPANIONS)):
        if each.exists() and not each.is_file():
            what = "a folder" if each.is_dir() else "not a regular file"
            raise ConfigurationError(f"the store {each} is {what}", "choose another data folder")


def _make_private_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An existing file must not be opened here: closing it would drop the locks that other
    # connections of this process hold (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _is_read_only(path: Path) -> bool:
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        _read_only_uri(path) if read_only else path,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        uri=read_only,
    )
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
    # files of earlier releases have larger pages
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.execute(f"PRAGMA wal_autocheckpoint = {MAX_LOG_BYTES // page_size}")
    return connection


def _read_only_uri(path: Path) -> str:
    """Return a URI for reading a file in a folder in which SQLite must not create files.

    An existing log is read; without one the file is declared immutable, since SQLite would
    otherwise create further files (https://www.sqlite.org/uri.html).
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{mode}"


def _begin_logging(connection: sqlite3.Connection) -> None:
    # SQLite does not queue for this switch if two processes create a file concurrently
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
