"""The thumbnails of the embedded store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.core.override import override
from facerec.core.protocols.thumbnails import ThumbnailStore

if TYPE_CHECKING:
    from facerec.storage.sqlite.database import Database


class SqliteThumbnails(ThumbnailStore):
    """A ``ThumbnailStore`` in the same file as the faces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def put_thumbnails(self, collection_id: str, thumbnails: Mapping[str, bytes]) -> None:
        filled = {face_id: _filled(content) for face_id, content in thumbnails.items()}
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO thumbnail (collection_id, face_id, content) "
                "SELECT name, id, ? FROM namespace JOIN vector_slot USING (namespace) "
                "WHERE name = ? AND id = ?",
                ((content, collection_id, face_id) for face_id, content in filled.items()),
            )

    @override
    def get_thumbnails(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, bytes]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT face_id, content FROM thumbnail "
                "WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?))",
                (collection_id, json.dumps(list(face_ids))),
            ).fetchall()
        # A JPEG file ends with the bytes FF D9.
        return {face_id: content.rstrip(b"\0") for face_id, content in rows}

    @override
    def has_thumbnail(self, content: bytes) -> bool:
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM thumbnail WHERE content = ? LIMIT 1", (_filled(content),)
            ).fetchone()
        return found is not None


def _filled(content: bytes) -> bytes:
    """Return a JPEG file followed by zeros, ``MAX_THUMBNAIL_BYTES`` in total.

    Raises:
        ValueError: The file is larger.
    """
    if len(content) > MAX_THUMBNAIL_BYTES:
        raise ValueError(f"a thumbnail has {len(content)} bytes, more than {MAX_THUMBNAIL_BYTES}")
    return content.ljust(MAX_THUMBNAIL_BYTES, b"\0")
