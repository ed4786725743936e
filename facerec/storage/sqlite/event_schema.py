"""The table of events: faces that match registered people, and their delivery.

``event_undelivered`` finds events that are due without reading delivered ones.
"""

from __future__ import annotations

EVENT_STATEMENTS = (
    """CREATE TABLE event (
        event_id TEXT PRIMARY KEY,
        collection_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        image_id TEXT NOT NULL,
        external_image_id TEXT,
        photo TEXT NOT NULL,
        similarity REAL NOT NULL,
        matched_at REAL NOT NULL,
        attempts INTEGER NOT NULL,
        due_at REAL NOT NULL,
        delivered_at REAL,
        problem TEXT
    ) WITHOUT ROWID""",
    "CREATE INDEX event_by_time ON event (collection_id, matched_at, event_id)",
    "CREATE INDEX event_by_face ON event (face_id)",
    "CREATE INDEX event_by_person ON event (collection_id, user_id)",
    "CREATE INDEX event_undelivered ON event (due_at) WHERE delivered_at IS NULL",
    """CREATE TRIGGER matched_person_deleted AFTER DELETE ON user BEGIN
        DELETE FROM event WHERE collection_id = old.collection_id AND user_id = old.user_id;
    END""",
    """CREATE TRIGGER matched_collection_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM event WHERE collection_id = old.collection_id;
    END""",
    """CREATE TRIGGER matched_face_deleted AFTER DELETE ON vector_slot BEGIN
        DELETE FROM event WHERE face_id = old.id
            AND collection_id = (SELECT name FROM namespace WHERE namespace = old.namespace);
    END""",
)
