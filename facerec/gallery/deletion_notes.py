"""Notes about deleted collections, stored beside the receipts.

A note outlives the collection. It contains the time at which the deleted collection was created, so
that a later collection of the same id is not affected. One lookup then shows that an older copy of
the database contains a deleted collection, and faces that a killed process stored after the
deletion can be found.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.names import name_in_paths
from facerec.core.records import creation_of, generation_of, new_collection
from facerec.storage.objects.protocol import exists

if TYPE_CHECKING:
    from facerec.core.erasures import Selection
    from facerec.core.records import Collection
    from facerec.storage.objects.protocol import ObjectStore


def note_deletion(
    collection_id: str, selection: Selection, objects: ObjectStore, root: str
) -> None:
    """Store a note for each collection that is deleted; do nothing if only a part is erased.

    Args:
        collection_id: Id of the collection.
        selection: What was erased.
        objects: Store of the notes.
        root: Folder of the erasures; ends in ``/``.
    """
    if selection.erases_collection and selection.created_at is not None:
        document = json.dumps({"collection_id": collection_id}).encode()
        for created_at in sorted({selection.created_at, *(selection.collections or ())}):
            objects.write(_uri(collection_id, created_at, root), document)


def was_deleted(collection: Collection, objects: ObjectStore, root: str) -> bool:
    """Return whether a collection was deleted; false if an earlier release deleted it."""
    return exists(_uri(collection.collection_id, collection.created_at, root), objects)


def noted_collections(
    objects: ObjectStore, root: str, collection_id: str | None = None
) -> list[Collection]:
    """Return the collections that notes list, or only those with one id.

    Their model versions are empty.
    """
    folder = f"{root}deleted/" if collection_id is None else _folder(collection_id, root)
    found = []
    for each in objects.list(folder):
        parent, _, name = each.uri.rpartition("/")
        own_id = parent.rpartition("/collection=")[2]
        # A file that somebody else put here is ignored.
        with suppress(ValueError, KeyError, TypeError):
            created_at = creation_of(name.removesuffix(".json"))
            if "~" in own_id:
                # Long ids are cut in paths.
                own_id = str(
                    json.loads(objects.read(each.uri, end=MAX_JSON_BYTES))["collection_id"]
                )
            found.append(new_collection(own_id, "", created_at))
    return found


def _folder(collection_id: str, root: str) -> str:
    # A collection may be called "..".
    return f"{root}deleted/collection={name_in_paths(collection_id)}/"


def _uri(collection_id: str, created_at: float, root: str) -> str:
    return f"{_folder(collection_id, root)}{generation_of(created_at)}.json"
