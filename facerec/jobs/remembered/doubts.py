"""Notes that a collection may have faces of photos that no job remembers.

This happens if the job folders or the database were restored from a copy, or if a job was deleted.
Then ``--prune`` compares the stored faces themselves with the folder (``jobs.unremembered``), once
for each doubt and folder.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import ObjectNotFoundError
from facerec.jobs.ledger.layout import memory_folder

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.storage.objects.protocol import ObjectStore


def note_doubt(objects: ObjectStore, jobs_root: str, collection_id: str) -> None:
    """Record that the memory of a collection may lack photos; do nothing if it has no memory."""
    for folder in list(objects.folders(memory_folder(jobs_root, collection_id))):
        objects.write(f"{folder}doubt", secrets.token_hex(8).encode())


def doubt_about(
    objects: ObjectStore, jobs_root: str, collection: Collection, folder: str
) -> str | None:
    """Return the doubt about the photos of a folder that no comparison has resolved yet.

    Returns:
        None if no doubt was recorded, or if the faces have been compared since the last one.
    """
    doubt = _read(objects, f"{_root(jobs_root, collection)}doubt")
    compared = _read(objects, _compared_uri(jobs_root, collection, folder))
    return None if doubt == compared else doubt


def note_compared(
    objects: ObjectStore, jobs_root: str, collection: Collection, folder: str, doubt: str
) -> None:
    """Record that the faces of a folder were compared because of a doubt."""
    objects.write(_compared_uri(jobs_root, collection, folder), doubt.encode())


def _root(jobs_root: str, collection: Collection) -> str:
    return f"{memory_folder(jobs_root, collection.collection_id)}{collection.created_at!r}/"


def _compared_uri(jobs_root: str, collection: Collection, folder: str) -> str:
    digest = hashlib.sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{_root(jobs_root, collection)}compared-{digest[:32]}"


def _read(objects: ObjectStore, uri: str) -> str | None:
    try:
        # A damaged file counts as a doubt that no comparison has resolved.
        return objects.read(uri, end=MAX_JSON_BYTES).decode(errors="replace")
    except ObjectNotFoundError:
        return None
