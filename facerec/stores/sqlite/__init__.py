"""The embedded store: one SQLite file for records and vectors, searched exactly in memory."""

from facerec.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
