"""Checks, compares and restores collections, with the stores of an installation."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.absolute_paths import absolute_path
from facerec.core.deferred import DeferredModule
from facerec.errors import CollectionNotFoundError
from facerec.factory.deployed_stores import (
    open_faces,
    open_job_objects,
    open_migrations,
    open_records,
    open_stores,
)
from facerec.factory.erasures import open_erasures
from facerec.factory.local import jobs_root_of, open_gallery, open_local_erasures, open_local_store
from facerec.factory.stacks import stack_settings
from facerec.storage.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from facerec.config import Settings
    from facerec.core.erasures import Receipt
    from facerec.core.protocols.records import RecordStore
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.migrating import settled
    from facerec.jobs.aws.stack import Stack
    from facerec.jobs.erasure_check import traces
    from facerec.jobs.verifying import job_check, lost_collections, rebuild
    from facerec.jobs.verifying.rebuild import Rebuilt
    from facerec.jobs.verifying.segment_check import Verification
    from facerec.storage.objects.protocol import ObjectStore
else:
    job_check = DeferredModule("facerec.jobs.verifying.job_check")
    settled = DeferredModule("facerec.gallery.migrating.settled")
    traces = DeferredModule("facerec.jobs.erasure_check.traces")
    rebuild = DeferredModule("facerec.jobs.verifying.rebuild")
    lost_collections = DeferredModule("facerec.jobs.verifying.lost_collections")


@contextmanager
def open_local_checked_stores(data: Path) -> Iterator[traces.CheckedStores]:
    """Open the stores of a data folder that the check of an erasure searches.

    Args:
        data: The data folder.

    Raises:
        FacerecError: See ``SqliteStore``.
    """
    root = f"{absolute_path(data)}/"
    with open_local_store(data) as store:
        yield traces.CheckedStores(
            store,
            store,
            Objects(),
            jobs_root_of(data),
            open_local_erasures(data),
            (root,),
            migrations=store,
            registrations=store,
            thumbnails=store,
            clusters=store,
        )


def open_deployed_checked_stores(settings: Settings) -> traces.CheckedStores:
    """Open the stores of a deployment that the check of an erasure searches.

    Args:
        settings: Settings of the deployment.

    Raises:
        FacerecError: See ``open_faces`` and ``open_records``.
    """
    roots = (settings.jobs_root, settings.erasures_root)
    faces, records, clusters = open_stores(settings)
    return traces.CheckedStores(
        faces,
        records,
        Objects(),
        settings.jobs_root,
        open_erasures(settings.erasures_root),
        roots,
        migrations=open_migrations(settings, faces, records),
        registrations=records,
        clusters=clusters,
    )


def verify_local_collection(
    data: Path,
    collection_id: str,
    *,
    repair: bool,
    on_deleted: Callable[[], None] = lambda: None,
) -> Verification:
    """Compare a collection of a data folder with its jobs; see ``verify_collection``.

    Args:
        data: The data folder.
        collection_id: The collection.
        repair: Whether to make the collection equal to its jobs: lost faces are restored, and faces
            stored with other options, and faces and people that an older copy of the database
            brought back, are removed.
        on_deleted: Called if an older copy of the database contained a deleted collection, and it
            was deleted again to restore a later collection of its name; only with ``repair``.

    Raises:
        MigrationError: ``repair`` is true, the collection was switched to another model version,
            and the migration is not finished.
        FacerecError: See ``Erasures.require_usable`` and ``verify_collection``.
    """
    if repair:
        _delete_if_returned(data, collection_id, on_deleted)
    with open_local_store(data) as store:
        erasures = open_local_erasures(data)
        erasures.require_usable(collection_id, store)
        if repair:
            settled.require_settled(collection_id, store)
        return job_check.verify_collection(
            collection_id,
            Objects(),
            jobs_root_of(data),
            faces=store,
            records=store,
            repair=repair,
            is_deleted=erasures.find_deleted_jobs(collection_id),
        )


def preview_local_repairs(data: Path, collection_id: str) -> tuple[Verification, Collection[str]]:
    """Return what the next run will restore in a collection of a data folder; change nothing.

    Returns:
        The differences, and the image keys of photos whose faces are lost.

    Raises:
        FacerecError: See ``Erasures.require_usable`` and ``verify_collection``.
    """
    from tempfile import TemporaryDirectory

    from facerec.jobs.verifying.collection_check import has_changed
    from facerec.jobs.verifying.segment_check import Verification
    from facerec.jobs.verifying.statements import LastStatements

    objects, root, erasures = Objects(), jobs_root_of(data), open_local_erasures(data)
    last = LastStatements()
    with ExitStack() as opened:
        if (data / "facerec.db").exists():
            store = opened.enter_context(open_local_store(data))
            with suppress(CollectionNotFoundError):
                collection = store.get_collection(collection_id)
                erasures.require_usable(collection_id, store)
                if not has_changed(collection, objects, root, store):
                    return Verification(), ()
                found = job_check.verify_collection(
                    collection_id, objects, root, store, store, repair=False, last=last
                )
                return found, last.awaited
        plans = lost_collections.plans_of_lost(collection_id, objects, root, erasures)
        if not plans:
            return Verification(), ()
        # The jobs are compared with what a run would restore first: the collection without faces.
        empty = Path(opened.enter_context(TemporaryDirectory()))
        store = opened.enter_context(open_local_store(empty))
        lost_collections.restored_collection(collection_id, plans, store)
        found = job_check.verify_collection(
            collection_id, objects, root, store, store, repair=False, last=last
        )
    return found, last.awaited


def verify_stack_collection(stack: Stack, collection_id: str) -> tuple[Verification, int]:
    """Compare a collection of a stack with its jobs, with the credentials of the caller.

    Args:
        stack: The stack.
        collection_id: The collection.

    Returns:
        The differences, and the number of jobs of an earlier collection of this name.

    Raises:
        FacerecError: See ``Erasures.require_usable``, ``verify_collection`` and ``stack_settings``.
    """
    settings = stack_settings(stack)
    faces, records, _ = open_stores(settings)
    objects, root = open_job_objects(settings), settings.jobs_root
    erasures = open_erasures(settings.erasures_root)
    erasures.require_usable(collection_id, records)
    found = job_check.verify_collection(
        collection_id,
        objects,
        root,
        faces=faces,
        records=records,
        repair=False,
        is_deleted=erasures.find_deleted_jobs(collection_id),
    )
    return found, _count_earlier(collection_id, objects, root, records)


def _delete_if_returned(data: Path, collection_id: str, on_deleted: Callable[[], None]) -> None:
    with open_gallery(data) as gallery, open_local_store(data) as store:
        if lost_collections.delete_if_returned(
            collection_id,
            Objects(),
            jobs_root_of(data),
            store,
            open_local_erasures(data),
            gallery.delete_collection,
        ):
            on_deleted()


def count_earlier_jobs(data: Path, collection_id: str) -> int:
    """Return the number of jobs that indexed into an earlier collection with the same name.

    Comparisons do not include these jobs. There are some if the database was lost and the
    collection was created again before its faces were restored.

    Args:
        data: The data folder.
        collection_id: The collection.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    with open_local_store(data) as store:
        return _count_earlier(collection_id, Objects(), jobs_root_of(data), store)


def _count_earlier(
    collection_id: str, objects: ObjectStore, jobs_root: str, records: RecordStore
) -> int:
    from facerec.jobs.folders import JobFolder, list_folders

    created_at = records.get_collection(collection_id).created_at
    return sum(
        folder.plan.collection_id == collection_id
        and folder.plan.collection_created_at != created_at
        for folder in list_folders(objects, jobs_root)
        if isinstance(folder, JobFolder)
    )


def rebuild_local_collection(
    data: Path,
    collection_id: str,
    into: Path | None = None,
    *,
    on_resumed: Callable[[list[Receipt]], None],
    on_deleted: Callable[[], None] = lambda: None,
) -> Rebuilt:
    """Restore a collection from the job folders of a data folder; see ``rebuild_collection``.

    Args:
        data: The data folder.
        collection_id: The collection.
        into: The data folder that receives the faces; by default the same.
        on_resumed: Called with the receipts of interrupted erasures of the collection once they are
            completed, before faces are restored; the list may be empty.
        on_deleted: See ``verify_local_collection``.

    Raises:
        MigrationError: The collection was switched to another model version, and the migration is
            not finished.
        FacerecError: See ``rebuild_collection``.
    """
    from facerec.gallery.clusters.copies import all_clusters, restore_clusters

    if into is None:
        _delete_if_returned(data, collection_id, on_deleted)
    with (
        open_gallery(data) as gallery,
        open_local_store(data) as records,
        open_local_store(data if into is None else into) as store,
    ):
        settled.require_settled(collection_id, records)
        return rebuild.rebuild_collection(
            collection_id,
            Objects(),
            jobs_root_of(data),
            store,
            store,
            complete_erasures=lambda: on_resumed(
                gallery.resume_erasures(older_than=0, collection_id=collection_id)
            ),
            target_root=None if into is None else jobs_root_of(into),
            source=None if into is None else records,
            copy_clusters=lambda: restore_clusters(
                collection_id,
                list(all_clusters(collection_id, clusters=records, faces=records)),
                records.list_not_faces(collection_id),
                clusters=store,
                faces=store,
            ),
            is_deleted=open_local_erasures(data).find_deleted_jobs(collection_id),
        )


def rebuild_deployed_collection(
    settings: Settings, gallery: Gallery, collection_id: str
) -> Rebuilt:
    """Restore a collection of a deployment from its job folders; see ``rebuild_collection``.

    Args:
        settings: Settings of the deployment.
        gallery: Completes unfinished erasures of the collection. If an older copy of the table
            brought a deleted collection back, and a later one of its name can be restored, deletes
            it again.
        collection_id: The collection.

    Raises:
        MigrationError: The collection was switched to another model version, and the migration is
            not finished.
        FacerecError: See ``rebuild_collection``.
    """
    records = open_records(settings)
    settled.require_settled(collection_id, records)
    lost_collections.delete_if_returned(
        collection_id,
        open_job_objects(settings),
        settings.jobs_root,
        records,
        open_erasures(settings.erasures_root),
        gallery.delete_collection,
    )
    return rebuild.rebuild_collection(
        collection_id,
        open_job_objects(settings),
        settings.jobs_root,
        open_faces(settings),
        open_records(settings),
        complete_erasures=lambda: gallery.resume_erasures(
            older_than=0, collection_id=collection_id
        ),
        is_deleted=open_erasures(settings.erasures_root).find_deleted_jobs(collection_id),
    )
