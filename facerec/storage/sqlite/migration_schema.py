"""The table of migrations to another model version."""

from __future__ import annotations

MIGRATION_STATEMENTS = (
    """CREATE TABLE migration (
        collection_id TEXT PRIMARY KEY,
        standby_version TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at REAL NOT NULL,
        threshold REAL
    ) WITHOUT ROWID""",
    """CREATE TRIGGER migrated_collection_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM migration WHERE collection_id = old.collection_id;
    END""",
)
