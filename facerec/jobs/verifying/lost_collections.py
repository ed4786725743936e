"""Restores collections whose database was lost, or replaced by a copy older than they are.

A deletion erases the job folders of a collection. So if job folders exist without their collection,
it was not deleted: the database was lost, and perhaps another collection with the same id has
been created since then. A job then restores the collection before it is planned, so that it finds
its own folder again: the record is created from the job folders, with the settings kept beside
them. The run of the job then restores the faces of all jobs; on AWS, the workflow rebuilds the
collection before the children start.

A collection may have been deleted and created again. An older copy of the database contains the
deleted collection. If job folders of the later collection exist, the deleted one is deleted again,
and the later one counts as lost.

This module imports no numpy, so that the plan function can use it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.collection_settings import CollectionSettings, settings_to_keep
from facerec.core.existing import collection_or_none
from facerec.core.records import Collection, new_collection
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    DeletedCollectionError,
)
from facerec.jobs.folders import JobFolder, UnreadableFolder, list_folders
from facerec.jobs.plan import Plan
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.remembered.collections import (
    creations,
    note_lost,
    own_creations,
    read_settings,
    was_lost,
    write_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.core.protocols.records import RecordStore
    from facerec.gallery.receipts import Erasures
    from facerec.storage.objects.protocol import ObjectStore


def restore_if_lost(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
    erasures: Erasures,
) -> None:
    """Recreate a collection whose database was lost, and record that its faces must be restored.

    If nothing was lost, this takes one listing beside the job folders.

    Args:
        collection_id: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        records: Store of the collections.
        erasures: Records whether the collection was deleted.

    Raises:
        DeletedCollectionError: The database contains the collection, but is a copy from before its
            deletion.
        JobFolderError: The copy of its settings is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
    """
    known = creations(objects, jobs_root, collection_id)
    own = collection_or_none(collection_id, records)
    if own is not None and own.created_at in known:
        return
    deletions = erasures.deletions(collection_id)
    if own is not None and deletions.include(own.created_at):
        raise DeletedCollectionError(collection_id)
    if not known:
        return
    lost = plans_of_lost(collection_id, objects, jobs_root, erasures)
    if not lost:
        return
    collection = own or restored_collection(collection_id, lost, records)
    created = {plan.collection_created_at for plan in lost} - {collection.created_at}
    note_lost(objects, jobs_root, collection, created)
    restore_settings(collection, lost, objects, jobs_root, records)


def plans_of_lost(
    collection_id: str, objects: ObjectStore, jobs_root: str, erasures: Erasures
) -> list[Plan]:
    """Return the plans of a collection's jobs, except those of deleted collections of its name."""
    plans, _ = plans_of(collection_id, objects, jobs_root)
    deletions = erasures.deletions(collection_id)
    return [plan for plan in plans if not deletions.include(plan.collection_created_at)]


def has_lost_faces(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
    erasures: Erasures,
) -> bool:
    """Recreate a collection whose database was lost; return whether its faces must be restored.

    If nothing was lost, this reads one record and looks for one file.

    Args:
        collection_id: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        records: Store of the collections.
        erasures: Records whether the collection was deleted; then it is not recreated.

    Raises:
        FacerecError: See ``restore_if_lost``.
    """
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        restore_if_lost(collection_id, objects, jobs_root, records, erasures)
        try:
            collection = records.get_collection(collection_id)
        except CollectionNotFoundError:
            return False
    return was_lost(objects, jobs_root, collection)


def delete_if_returned(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
    erasures: Erasures,
    delete: Callable[[str], object],
) -> bool:
    """Delete a collection that an older copy brought back if jobs indexed a later one with its id.

    Args:
        collection_id: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        records: Store of the collections.
        erasures: Records whether the collection was deleted.
        delete: Deletes a collection like ``Gallery.delete_collection``, which keeps the job folders
            of the later one.

    Returns:
        Whether it was deleted. Then the later collection is lost, and can be restored.

    Raises:
        FacerecError: See ``Gallery.delete_collection``.
    """
    own = collection_or_none(collection_id, records)
    if own is None or not erasures.was_deleted(own):
        return False
    plans, _ = plans_of(collection_id, objects, jobs_root)
    deletions = erasures.deletions(collection_id)
    if all(deletions.include(plan.collection_created_at) for plan in plans):
        return False
    delete(collection_id)
    return True


def plans_of(
    collection_id: str, objects: ObjectStore, jobs_root: str
) -> tuple[list[Plan], list[UnreadableFolder]]:
    """Return the plans of a collection's jobs, and the folders that cannot be read.

    A folder that does not name its collection may belong to this one.
    """
    plans, unreadable = list[Plan](), list[UnreadableFolder]()
    for folder in list_folders(objects, jobs_root):
        if isinstance(folder, JobFolder):
            if folder.plan.collection_id == collection_id:
                plans.append(folder.plan)
        elif folder.collection_id in (collection_id, None):
            unreadable.append(folder)
    return plans, unreadable


def plans_of_collection(
    collection: Collection, objects: ObjectStore, jobs_root: str
) -> tuple[list[Plan], list[UnreadableFolder]]:
    """Return the plans of a collection's jobs, and the folders that cannot be read.

    If the collection was created again after a loss, the jobs of the lost one are included.

    Raises:
        JobFolderError: The list of earlier collections is damaged.
    """
    plans, unreadable = plans_of(collection.collection_id, objects, jobs_root)
    own = own_creations(objects, jobs_root, collection)
    return [
        replace(plan, collection_created_at=collection.created_at)
        for plan in plans
        if plan.collection_created_at in own
    ], unreadable


def restored_collection(
    collection_id: str, plans: Sequence[Plan], records: RecordStore
) -> Collection:
    """Return a collection; if it is lost, create it again from the latest of its jobs.

    Raises:
        CollectionNotFoundError: The collection does not exist, and no job has indexed it.
    """
    try:
        return records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not plans:
            raise
    latest = max(plans, key=lambda plan: (plan.collection_created_at, plan.created_at))
    collection = collection_of(latest)
    try:
        records.create_collection(collection)
    except CollectionExistsError:
        return records.get_collection(collection_id)
    return collection


def restore_settings(
    collection: Collection,
    plans: Sequence[Plan],
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
) -> None:
    """Restore the settings of a lost collection, except those that have since been set.

    The copy of the latest creation that has one is used.

    Raises:
        JobFolderError: The copy of the settings is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
    """
    collection_id = collection.collection_id
    for created_at in sorted({plan.collection_created_at for plan in plans}, reverse=True):
        earlier = new_collection(collection_id, collection.model_version, created_at)
        kept = read_settings(objects, jobs_root, earlier)
        if kept is None:
            continue
        current = settings_of(collection_id, records)
        if current.threshold is None and kept.threshold is not None:
            records.set_threshold(collection_id, kept.threshold)
        missing = {key: value for key, value in kept.tags.items() if key not in current.tags}
        if missing:
            records.change_tags(collection_id, put=missing)
        return


def keep_settings(
    collection_id: str, objects: ObjectStore, jobs_root: str, records: RecordStore
) -> None:
    """Keep a copy of the settings of a collection beside its job folders, unless it is deleted.

    Raises:
        JobFolderError: The earlier copy is damaged.
    """
    with suppress(CollectionNotFoundError):
        collection = records.get_collection(collection_id)
        write_settings(objects, jobs_root, collection, settings_of(collection_id, records))


def settings_of(collection_id: str, records: RecordStore) -> CollectionSettings:
    """Return the settings of a collection that a copy beside its job folders must contain.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    threshold = records.get_collection(collection_id).threshold
    return settings_to_keep(threshold, records.get_tags(collection_id))
