"""Data about a collection itself, stored beside its remembered photos.

The folder ``{jobs_root}remembered@{collection}/{created}/``, which is deleted with the collection,
contains a copy of its settings (``settings.json``). After a loss, it also lists the earlier
collections with the same id whose jobs count as its own (``adopted.json``). Until the faces are
restored, it contains a mark that the collection was lost (``lost``).
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from facerec.core.collection_settings import CollectionSettings, settings_from_json
from facerec.jobs.documents import read_if_exists
from facerec.jobs.ledger.layout import memory_folder
from facerec.storage.objects.protocol import ObjectStore, exists

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.core.records import Collection


def creations(objects: ObjectStore, jobs_root: str, collection_id: str) -> list[float]:
    """Return the creation times of the collections with this id that have remembered photos.

    Returns:
        Seconds since 1970, in order.
    """
    folders = objects.folders(memory_folder(jobs_root, collection_id))
    times = (creation_of(folder) for folder in folders)
    return sorted(time for time in times if time is not None)


def creation_of(folder: str) -> float | None:
    """Return the creation time in the address of a folder; None if facerec did not create it."""
    try:
        return float(PurePosixPath(folder).name)
    except ValueError:
        return None


def write_settings(
    objects: ObjectStore, jobs_root: str, collection: Collection, settings: CollectionSettings
) -> None:
    """Keep a copy of the settings of a collection, unless the same copy exists.

    Raises:
        JobFolderError: The earlier copy is damaged.
    """
    if read_settings(objects, jobs_root, collection) != settings:
        content = json.dumps(settings.to_json()).encode()
        objects.write(_uri(jobs_root, collection, "settings.json"), content)


def read_settings(
    objects: ObjectStore, jobs_root: str, collection: Collection
) -> CollectionSettings | None:
    """Return the kept settings of a collection; None if none were kept.

    Raises:
        JobFolderError: The copy is damaged.
    """
    return read_if_exists(objects, _uri(jobs_root, collection, "settings.json"), settings_from_json)


def note_lost(
    objects: ObjectStore, jobs_root: str, collection: Collection, adopted: Iterable[float]
) -> None:
    """Record that the faces of a collection must be restored from its job folders.

    Args:
        objects: The object store of the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection: The collection.
        adopted: Creation times, in seconds since 1970, of earlier collections with its id whose
            jobs now count as its own.
    """
    content = json.dumps(sorted(adopted)).encode()
    objects.write(_uri(jobs_root, collection, "adopted.json"), content)
    objects.write(_uri(jobs_root, collection, "lost"), b"")


def own_creations(objects: ObjectStore, jobs_root: str, collection: Collection) -> set[float]:
    """Return the creation times of the collections whose jobs count as this collection's own.

    Returns:
        Seconds since 1970, among them the collection's own creation time.

    Raises:
        JobFolderError: The list of earlier collections is damaged.
    """
    adopted = read_if_exists(
        objects,
        _uri(jobs_root, collection, "adopted.json"),
        lambda found: set(map(float, found)),
    )
    return {collection.created_at, *(adopted or ())}


def was_lost(objects: ObjectStore, jobs_root: str, collection: Collection) -> bool:
    """Return whether the faces of a collection must be restored from its job folders."""
    return exists(_uri(jobs_root, collection, "lost"), objects)


def note_restored(objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
    """Record that the faces of a collection have been restored."""
    objects.delete(_uri(jobs_root, collection, "lost"))


def _uri(jobs_root: str, collection: Collection, name: str) -> str:
    folder = memory_folder(jobs_root, collection.collection_id)
    return f"{folder}{collection.created_at!r}/{name}"
