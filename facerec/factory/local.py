"""Builds the galleries, stores and jobs of one machine, which keeps everything in a data folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.absolute_paths import absolute_path
from facerec.core.deferred import DeferredModule
from facerec.errors import NoSpaceError
from facerec.factory import engines
from facerec.factory.erasures import open_erasures
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.reserved_space import ReservedSpace

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from facerec.core.protocols.engine import FaceEngine
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.inspection import Inspector
    from facerec.gallery.receipts import Erasures
    from facerec.jobs.child.attempt import ChildDependencies
    from facerec.jobs.local.jobs import LocalJobs
    from facerec.jobs.local.runs import LocalRuns
    from facerec.jobs.verifying import lost_collections, rebuild
    from facerec.storage.objects import ObjectStore
    from facerec.storage.sqlite import SqliteStore
else:
    lost_collections = DeferredModule("facerec.jobs.verifying.lost_collections")
    rebuild = DeferredModule("facerec.jobs.verifying.rebuild")


def open_gallery(
    data: str | os.PathLike[str], *, recipe: str | None = None, keep_thumbnails: bool = False
) -> Gallery:
    """Open the gallery of this machine: the faces, people and jobs in a data folder.

    The folder is created if it does not exist. Photos are read from paths and from the S3 buckets
    that the credentials allow. The networks are loaded for the first photo. Close the gallery, or
    use it as a context manager.

    Args:
        data: The data folder; ``--data`` of the command line.
        recipe: Recipe of new collections, ``fast`` or ``accurate``; None for ``fast``. An existing
            collection keeps its own recipe.
        keep_thumbnails: Whether ``index`` keeps a thumbnail of each face, so that it can be shown
            without its photo.

    Raises:
        RecipeUnavailableError: ``recipe`` is not a recipe.
        ConfigurationError: The database in the folder is not from facerec, or from a later release.
        StoreDamagedError: The database is damaged.
        StoreUnavailableError: The database cannot be opened or created.
    """
    folder, objects = Path(data), Objects()
    recipes = _local_engines(recipe)
    engine = next(iter(recipes.values()))
    try:
        store = open_local_store(folder)
    except NoSpaceError:
        # Even a store that is only read needs a few pages, and the caller may want to delete.
        with ReservedSpace(folder).released():
            store = open_local_store(folder)
    return _local_gallery(
        folder,
        store,
        engine,
        recipes,
        objects,
        keep_thumbnails=keep_thumbnails,
    )


def open_server_gallery(
    data: Path,
    store: SqliteStore,
    engine: FaceEngine,
    policy: AccessPolicy,
    *,
    recipes: Mapping[str, FaceEngine] | None = None,
    keep_thumbnails: bool = False,
) -> Gallery:
    """Open the gallery of a server on this machine; closing it closes the store.

    Args:
        data: Folder of faces and jobs.
        store: The store in that folder.
        engine: Finds faces for new collections; several threads call it.
        policy: Permissions of callers to read photos. The photos of stored faces are also read from
            paths, where ``facerec index`` found them.
        recipes: Engines by recipe, so that collections of other model versions can be used too.
        keep_thumbnails: Whether requests to index a photo keep thumbnails of its faces.
    """
    indexed_objects = Objects(replace(policy, own_folder=None, reads_paths=True))
    recipes = recipes or {}
    return _local_gallery(
        data,
        store,
        engine,
        recipes,
        Objects(policy),
        indexed_objects,
        keep_thumbnails=keep_thumbnails,
    )


def _local_gallery(
    data: Path,
    store: SqliteStore,
    engine: FaceEngine,
    recipes: Mapping[str, FaceEngine],
    objects: ObjectStore,
    indexed_objects: ObjectStore | None = None,
    *,
    keep_thumbnails: bool = False,
) -> Gallery:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.job_data import JobFolders

    erasures, jobs_root = open_local_erasures(data), jobs_root_of(data)

    # Called by methods of the gallery that is built below.
    def restore_lost(collection_id: str) -> int | None:
        # The caller erases what was restored: the space for deletions may be used.
        with erasures.space():
            if not lost_collections.has_lost_faces(
                collection_id, objects, jobs_root, store, erasures
            ):
                return None
            rebuilt = rebuild.rebuild_collection(
                collection_id,
                objects,
                jobs_root,
                store,
                store,
                complete_erasures=partial(
                    gallery.resume_erasures, older_than=0, collection_id=collection_id
                ),
            )
            return rebuilt.faces.missing

    gallery = Gallery(
        engine,
        recipes=recipes,
        faces=store,
        records=store,
        clusters=store,
        migrations=store,
        registrations=store,
        thumbnails=store,
        keep_thumbnails=keep_thumbnails,
        objects=objects,
        job_data=JobFolders(objects, jobs_root, erasures),
        erasures=erasures,
        indexed_objects=indexed_objects,
        attributes=engines.open_attribute_networks(),
        restore_lost=restore_lost,
        on_close=partial(_close, store, ReservedSpace(data)),
    )
    return gallery


def _close(store: SqliteStore, space: ReservedSpace) -> None:
    store.close()
    space.keep()


def _local_engines(recipe: str | None = None) -> dict[str, FaceEngine]:
    """Return engines by recipe, the default one first; each is loaded at its first use."""
    return {name: engines.open_local_engine(name) for name in engines.ordered_recipes(recipe)}


def open_inspector() -> Inspector:
    """Open an inspector, which detects and compares faces without a collection."""
    from facerec.gallery.inspection import Inspector

    return Inspector(
        engines.open_local_engine(), objects=Objects(), attributes=engines.open_attribute_networks()
    )


def open_local_store(data: Path) -> SqliteStore:
    """Open the store in a data folder; it is created if it does not exist.

    Raises:
        FacerecError: See ``SqliteStore``.
    """
    from facerec.storage.sqlite import SqliteStore

    store = SqliteStore(data / "facerec.db")
    ReservedSpace(data).keep()
    return store


def open_local_erasures(data: Path) -> Erasures:
    """Return the erasures of a data folder, and their receipts."""
    return open_erasures(f"{absolute_path(data) / 'erasures'}/", space=ReservedSpace(data).released)


def _delete_collection(data: Path, collection_id: str) -> None:
    with open_gallery(data) as gallery:
        gallery.delete_collection(collection_id)


def open_local_jobs(
    data: Path,
    *,
    workers: int | None = None,
    policy: AccessPolicy | None = None,
    recipe: str | None = None,
) -> LocalJobs:
    """Return the jobs of a data folder; stores and engine are opened when a job needs them.

    Args:
        data: Folder of faces and jobs.
        workers: Number of processes per job; by default one per core.
        policy: Permissions of the jobs of a server to read photos; by default, everything that this
            machine can read.
        recipe: Recipe of new collections; None for ``fast``.
    """
    from facerec.jobs.local.jobs import LocalJobs

    return LocalJobs(
        Objects(policy),
        jobs_root_of(data),
        partial(_open_local_runs, data, workers, policy),
        open_store=partial(open_local_store, data),
        open_erasures=partial(open_local_erasures, data),
        delete_collection=partial(_delete_collection, data),
        model_versions=partial(engines.read_model_versions, recipe),
        local_paths=policy is None,
    )


def _open_local_runs(data: Path, workers: int | None, policy: AccessPolicy | None) -> LocalRuns:
    from facerec.core.cores import available_cores
    from facerec.jobs.local.runs import LocalRuns

    return LocalRuns(
        Objects(policy),
        jobs_root=jobs_root_of(data),
        open_store=partial(open_local_store, data),
        build_dependencies=partial(_build_worker, data, policy),
        delete_faces=partial(_delete_faces, data, policy),
        workers=workers or available_cores(),
    )


def _build_worker(data: Path, policy: AccessPolicy | None, model_version: str) -> ChildDependencies:
    """Build the engine and stores of a worker, which has one thread: workers share the cores."""
    from facerec.jobs.child.attempt import ChildDependencies

    recipe = engines.recipe_of(model_version)
    engine, store = engines.open_checked_engine(1, recipe), open_local_store(data)
    return ChildDependencies(
        engine, faces=store, records=store, objects=Objects(policy), registrations=store
    )


def _delete_faces(
    data: Path,
    policy: AccessPolicy | None,
    store: SqliteStore,
    collection_id: str,
    face_ids: Sequence[str],
) -> int:
    """Delete stale faces (``facerec.jobs.stale_faces``), and return their number."""
    from facerec.jobs.stale_faces import deletion_by

    recipes = _local_engines()
    engine = next(iter(recipes.values()))
    gallery = _local_gallery(data, store, engine, recipes, Objects(policy))
    return deletion_by(gallery)(collection_id, face_ids)


def jobs_root_of(data: Path) -> str:
    """Return the parent of all job folders in a data folder; ends in ``/``."""
    return f"{absolute_path(data) / 'jobs'}/"
