"""The tables of the records.

They contain collections, people, corrections, tags, tombstones, requests and access keys.
"""

from __future__ import annotations

ASSOCIATION_INDEX = (
    "CREATE INDEX association_by_user "
    "ON association (collection_id, user_id, version, place, face_id)"
)

USER_NAME_INDEX = (
    "CREATE UNIQUE INDEX user_by_name ON user (collection_id, name) WHERE name IS NOT NULL"
)

REGISTERED_INDEX = (
    "CREATE INDEX registered_user ON user (collection_id, user_id) WHERE expires IS NOT NULL"
)

CORRECTION_STATEMENTS = (
    """CREATE TABLE correction (
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        person TEXT NOT NULL,
        PRIMARY KEY (collection_id, face_id, person)
    ) WITHOUT ROWID""",
    "CREATE INDEX correction_by_person ON correction (collection_id, person, face_id)",
)

DELETION_TRIGGER = """CREATE TRIGGER collection_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM user WHERE collection_id = old.collection_id;
        DELETE FROM association WHERE collection_id = old.collection_id;
        DELETE FROM correction WHERE collection_id = old.collection_id;
        DELETE FROM tag WHERE collection_id = old.collection_id;
    END"""

TOMBSTONE_STATEMENTS = (
    """CREATE TABLE tombstone_key (
        collection_id TEXT PRIMARY KEY,
        key BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE tombstone (
        collection_id TEXT NOT NULL,
        photo TEXT NOT NULL,
        place TEXT NOT NULL,
        PRIMARY KEY (collection_id, photo, place)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER tombstones_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM tombstone_key WHERE collection_id = old.collection_id;
        DELETE FROM tombstone WHERE collection_id = old.collection_id;
    END""",
)

RECORD_STATEMENTS = (
    """CREATE TABLE collection (
        collection_id TEXT PRIMARY KEY,
        model_version TEXT NOT NULL,
        created_at REAL NOT NULL,
        threshold REAL,
        first_version TEXT
    ) WITHOUT ROWID""",
    """CREATE TABLE user (
        collection_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        created_at REAL NOT NULL,
        version INTEGER NOT NULL,
        vector_version INTEGER NOT NULL,
        name TEXT,
        consent TEXT,
        expires TEXT,
        PRIMARY KEY (collection_id, user_id)
    ) WITHOUT ROWID""",
    USER_NAME_INDEX,
    REGISTERED_INDEX,
    """CREATE TABLE association (
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        place INTEGER NOT NULL,
        PRIMARY KEY (collection_id, face_id)
    ) WITHOUT ROWID""",
    ASSOCIATION_INDEX,
    *CORRECTION_STATEMENTS,
    """CREATE TABLE tag (
        collection_id TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (collection_id, key)
    ) WITHOUT ROWID""",
    DELETION_TRIGGER,
    """CREATE TABLE request (
        token TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        answer TEXT NOT NULL,
        expires_at REAL NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX request_by_expiry ON request (expires_at)",
    """CREATE TABLE access_key (
        access_key_id TEXT PRIMARY KEY,
        secret TEXT NOT NULL,
        collections TEXT NOT NULL,
        writes INTEGER NOT NULL,
        note TEXT NOT NULL,
        created_at REAL NOT NULL
    ) WITHOUT ROWID""",
    *TOMBSTONE_STATEMENTS,
)
