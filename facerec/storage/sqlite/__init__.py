"""The embedded store: one SQLite file for records and vectors, searched in memory."""

from facerec.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
