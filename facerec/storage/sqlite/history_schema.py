"""The tables of the history of people.

``facerec.core.history.encode_step`` returns the text of a step. ``history_subject`` finds the
entries of a person, a name, a face or an undone entry.
"""

from __future__ import annotations

HISTORY_STATEMENTS = (
    """CREATE TABLE history (
        collection_id TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        step INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (collection_id, entry_id, step)
    ) WITHOUT ROWID""",
    """CREATE TABLE history_subject (
        collection_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        PRIMARY KEY (collection_id, subject, entry_id)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER history_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM history WHERE collection_id = old.collection_id;
        DELETE FROM history_subject WHERE collection_id = old.collection_id;
    END""",
)
