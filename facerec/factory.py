"""The one place that builds engines, stores, galleries and job services.

The command line, the server, the functions and the container of a job all build what they need
here. Each thing is imported when it is built, so that a program pays only for what it uses.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.errors import ConfigurationError
from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.config import Settings
    from facerec.core.protocols import AttributeEstimator, FaceEngine, RecordStore
    from facerec.engine.pool import EnginePool
    from facerec.gallery.defaults import GalleryDefaults
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.inspection import Inspector
    from facerec.gallery.receipts import Erasures
    from facerec.jobs.aws.jobs import AwsJobs
    from facerec.jobs.child.attempt import ChildDependencies
    from facerec.jobs.local.jobs import LocalJobs
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects import ObjectStore
    from facerec.storage.sqlite import SqliteStore

_SQLITE = "sqlite:///"


def open_gallery(data: str | os.PathLike[str]) -> Gallery:
    """Open the gallery of this machine: the faces, users and jobs in a data folder.

    The folder is created if it does not exist. Photos are read from paths and from the S3 buckets
    that the credentials allow. The networks are loaded when the first photo asks for them. Close
    the gallery, or use it as a context manager.

    Args:
        data: The data folder; ``--data`` of the command line.
    """
    folder, objects = Path(data), Objects()
    return _local_gallery(folder, open_local_store(folder), open_local_engine(), objects)


def open_server_gallery(
    data: Path, store: SqliteStore, engine: FaceEngine, policy: AccessPolicy
) -> Gallery:
    """Open the gallery of a server on this machine; closing it closes the store.

    Args:
        data: folder of faces and jobs.
        store: the store in that folder.
        engine: detects faces, in several threads.
        policy: what callers may read. The photos of stored faces are also read from paths, where
            ``facerec index`` found them.
    """
    indexed_objects = Objects(replace(policy, own_folder=None, reads_paths=True))
    return _local_gallery(data, store, engine, Objects(policy), indexed_objects)


def open_deployed_gallery(
    settings: Settings, objects: ObjectStore, *, patience: float | None = None
) -> Gallery:
    """Open the gallery of a deployment on AWS.

    Args:
        settings: settings of the deployment.
        objects: reads what callers may name.
        patience: seconds after which a throttled request is given up; by default, the store's.

    Raises:
        FacerecError: a setting is missing or wrong, or a store cannot be opened.
    """
    start = None
    if settings.erasure_function is not None:
        from facerec.jobs.aws.erasure_function import open_erasure_function

        start = open_erasure_function(settings.erasure_function, settings.region).start
    return _deployed_gallery(
        settings, open_deployed_engine(settings), objects, patience=patience, start=start
    )


def open_eraser(settings: Settings) -> Gallery:
    """Open the gallery of the function that erases from job folders; it loads no network.

    Raises:
        FacerecError: a setting is missing or wrong, or a store cannot be opened.
    """
    objects = Objects(AccessPolicy(buckets=frozenset()))
    return _deployed_gallery(settings, open_local_engine(), objects)


def _deployed_gallery(
    settings: Settings,
    engine: FaceEngine,
    objects: ObjectStore,
    *,
    patience: float | None = None,
    start: Callable[[str], None] | None = None,
) -> Gallery:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.job_data import JobFolders

    jobs_root = settings.jobs_root
    return Gallery(
        engine,
        faces=open_faces(settings, patience=patience),
        records=open_records(settings),
        objects=objects,
        job_data=JobFolders(open_job_folders(settings), jobs_root),
        erasures=_erasures(settings.erasures_root, start),
        defaults=gallery_defaults(settings),
    )


def open_job_folders(settings: Settings) -> Objects:
    """Return the job folders of a deployment, whatever else its bucket contains."""
    return Objects(AccessPolicy(buckets=frozenset(), own_folder=settings.jobs_root))


def gallery_defaults(settings: Settings) -> GalleryDefaults:
    """Return the defaults of the operations in a deployment."""
    from facerec.core.options import FaceOptions
    from facerec.gallery.defaults import GalleryDefaults

    return GalleryDefaults(
        FaceOptions(max_faces=settings.max_faces, min_confidence=settings.min_confidence),
        settings.similarity_threshold,
    )


def open_inspector() -> Inspector:
    """Open what inspects and compares photos on this machine, without any collection."""
    from facerec.gallery.inspection import Inspector

    return Inspector(open_local_engine(), objects=Objects(), attributes=_attribute_networks())


def open_local_engine() -> FaceEngine:
    """Open the engine of a program that processes one photo at a time.

    Its modules are imported at the first use, and each network is loaded when it is first needed.
    """
    from facerec.engine.deferred import DeferredEngine

    return DeferredEngine(_import_engine)


def _import_engine() -> FaceEngine:
    from facerec.engine.engine import open_engine

    return open_engine()


def open_deployed_engine(settings: Settings) -> FaceEngine:
    """Open the engine of a deployment, which processes one photo at a time."""
    from facerec.engine.engine import open_engine

    return open_engine(threads=settings.threads)


def open_engine_pool(size: int) -> EnginePool:
    """Return an engine that processes several photos concurrently, each in one thread."""
    from facerec.engine.engine import open_engine
    from facerec.engine.pool import EnginePool

    return EnginePool([open_engine(threads=1) for _ in range(size)])


def open_faces(settings: Settings, *, patience: float | None = None) -> FaceStore:
    """Open the store of faces: S3 Vectors, a Pinecone index, or the SQLite file set in their place.

    Args:
        settings: settings of the deployment.
        patience: seconds after which a throttled request is given up; by default, the store's.

    Raises:
        ConfigurationError: a variable is missing.
    """
    if settings.store is not None:
        return _open_sqlite(settings.store)
    from facerec.storage.faces import FaceStore
    from facerec.storage.patience import PATIENCE

    patience = PATIENCE if patience is None else patience
    if settings.vector_bucket is not None:
        from facerec.storage import s3vectors

        return FaceStore(
            s3vectors.open_s3_vectors(
                settings.vector_bucket,
                region=settings.region,
                patience=patience,
            )
        )
    from facerec.storage.pinecone import open_pinecone_vectors

    return FaceStore(
        open_pinecone_vectors(
            api_key=pinecone_api_key(settings),
            index_name=settings.pinecone_index_name,
            host=settings.pinecone_index_host,
            patience=patience,
        )
    )


def open_records(settings: Settings) -> RecordStore:
    """Open the store of collections: a DynamoDB table, or the SQLite file set in its place.

    Raises:
        ConfigurationError: a variable is missing.
    """
    if settings.store is not None:
        return _open_sqlite(settings.store)
    from facerec.config import needed
    from facerec.storage.dynamodb.store import open_dynamodb_store

    return open_dynamodb_store(needed(settings.table, "FACEREC_TABLE"), settings.region)


def open_local_store(data: Path) -> SqliteStore:
    """Open the store in a data folder; it is created if it does not exist."""
    from facerec.storage.sqlite import SqliteStore

    return SqliteStore(data / "facerec.db")


def pinecone_api_key(settings: Settings) -> str:
    """Return the key itself, or the value of the secret that holds it.

    Raises:
        ConfigurationError: neither is set, or the secret does not exist or has no SecretString.
        AccessDeniedError: the secret may not be read.
        StoreUnavailableError: Secrets Manager does not answer.
    """
    if settings.pinecone_api_key is not None:
        return settings.pinecone_api_key
    if settings.pinecone_secret_arn is None:
        raise ConfigurationError("neither PINECONE_API_KEY nor PINECONE_SECRET_ARN is set")
    from facerec.storage.secrets import read_secret

    return read_secret(settings.pinecone_secret_arn)


def open_local_jobs(
    data: Path,
    *,
    workers: int | None = None,
    policy: AccessPolicy | None = None,
) -> LocalJobs:
    """Return the jobs of a data folder; stores and engine are opened when a job needs them.

    Args:
        data: folder of faces and jobs.
        workers: number of processes per job; by default one per core.
        policy: what the jobs of a server may read; by default all that this machine can read.
    """
    from facerec.engine.describe.version import model_version
    from facerec.engine.dlib.sessions import available_cores
    from facerec.jobs.local.jobs import LocalJobs
    from facerec.jobs.local.runs import LocalRuns

    objects, open_store = Objects(policy), partial(open_local_store, data)
    runs = LocalRuns(
        objects,
        open_store=open_store,
        build_dependencies=partial(_build_worker, data, policy),
        workers=workers or available_cores(),
    )
    return LocalJobs(
        objects,
        jobs_root_of(data),
        runs,
        open_store=open_store,
        model_version=model_version,
        local_paths=policy is None,
    )


def open_aws_jobs(
    *,
    state_machine: str,
    objects: ObjectStore,
    jobs_root: str,
    queue: str | None = None,
    region: str | None = None,
) -> AwsJobs:
    """Return the jobs of a deployed stack, with the environment's credentials.

    Args:
        state_machine: ARN of the state machine.
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        queue: ARN of the queue of AWS Batch; without it, progress has no states of children.
        region: region of the state machine; by default that of the environment.
    """
    import boto3

    from facerec.core.aws_errors import aws_errors
    from facerec.core.aws_region import aws_region
    from facerec.jobs.aws.batch_queue import BatchQueue
    from facerec.jobs.aws.executions import Executions
    from facerec.jobs.aws.jobs import AwsJobs

    with aws_errors("Step Functions"):
        client = boto3.client("stepfunctions", region_name=aws_region(region))
    return AwsJobs(
        Executions(state_machine, client),
        objects,
        jobs_root,
        None if queue is None else BatchQueue(queue),
    )


def jobs_root_of(data: Path) -> str:
    """Return the folder in a data folder that holds a folder for each job; ends in ``/``."""
    return f"{data.absolute() / 'jobs'}/"


def _local_gallery(
    data: Path,
    store: SqliteStore,
    engine: FaceEngine,
    objects: ObjectStore,
    indexed_objects: ObjectStore | None = None,
) -> Gallery:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.job_data import JobFolders

    return Gallery(
        engine,
        faces=store,
        records=store,
        objects=objects,
        job_data=JobFolders(objects, jobs_root_of(data)),
        erasures=open_local_erasures(data),
        indexed_objects=indexed_objects,
        attributes=_attribute_networks(),
        on_close=store.close,
    )


def _attribute_networks() -> AttributeEstimator:
    from facerec.engine.deferred import DeferredAttributes

    return DeferredAttributes(_import_attributes)


def _import_attributes() -> AttributeEstimator:
    from facerec.engine.attributes import AttributeNetworks

    return AttributeNetworks(threads=1)


def open_local_erasures(data: Path) -> Erasures:
    """Return the erasures of a data folder, and their receipts."""
    return _erasures(f"{data.absolute() / 'erasures'}/")


def _erasures(root: str, start: Callable[[str], None] | None = None) -> Erasures:
    from facerec.gallery.receipts import Erasures

    return Erasures(Objects(AccessPolicy(buckets=frozenset(), own_folder=root)), root, start)


def _open_sqlite(address: str) -> SqliteStore:
    if not address.startswith(_SQLITE):
        raise ConfigurationError(
            "the environment variable FACEREC_STORE is not sqlite:///path",
            "leave it empty for the stores of AWS",
        )
    from facerec.storage.sqlite import SqliteStore

    return SqliteStore(Path(address.removeprefix(_SQLITE)))


def _build_worker(data: Path, policy: AccessPolicy | None) -> ChildDependencies:
    """Build the engine and stores of a worker, which has one thread: workers share the cores."""
    from facerec.engine.engine import open_engine
    from facerec.engine.self_check import check_engine
    from facerec.jobs.child.attempt import ChildDependencies

    engine = open_engine(threads=1)
    check_engine(engine)
    store = open_local_store(data)
    return ChildDependencies(engine, store, store, Objects(policy))
