"""The embedded store: one SQLite file for records and vectors, searched exactly in memory."""

from facerec.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
