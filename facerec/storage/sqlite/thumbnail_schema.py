"""The table of thumbnails: small JPEG files of faces.

All contents have the same length: JPEG files are followed by zeros. SQLite then keeps the first 489
bytes in the page of the row, and the others in pages of their own (see "Cell Payload Overflow" in
https://www.sqlite.org/fileformat2.html). When rows move, copies may stay in unused parts of the
pages of rows. The tables at the beginning of each JPEG file are longer than 489 bytes, so no copy
shows any part of a face.
"""

from __future__ import annotations

THUMBNAIL_STATEMENTS = (
    """CREATE TABLE thumbnail (
        entry INTEGER PRIMARY KEY,
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        content BLOB NOT NULL
    )""",
    "CREATE UNIQUE INDEX thumbnail_by_face ON thumbnail (collection_id, face_id)",
    """CREATE TRIGGER shown_collection_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM thumbnail WHERE collection_id = old.collection_id;
    END""",
    """CREATE TRIGGER shown_face_deleted AFTER DELETE ON vector_slot BEGIN
        DELETE FROM thumbnail WHERE face_id = old.id
            AND collection_id = (SELECT name FROM namespace WHERE namespace = old.namespace);
    END""",
)
