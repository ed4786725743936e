"""Builds the galleries, stores and jobs of a deployment on AWS from its settings."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.options import Recipe
from facerec.errors import ConfigurationError
from facerec.factory import engines
from facerec.factory.erasures import open_erasures
from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facerec import config
    from facerec.config import Settings
    from facerec.core.events import MatchEvent
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.protocols.vectors import VectorStore
    from facerec.gallery.defaults import GalleryDefaults
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.jobs.aws.clustering_jobs import ClusteringJobs
    from facerec.jobs.aws.jobs import AwsJobs
    from facerec.jobs.child.attempt import ChildDependencies
    from facerec.storage import generations, pinecone, retrying, sqlite
    from facerec.storage.dynamodb.store import DynamoDBStore
    from facerec.storage.event_bus import EventBus
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects import ObjectStore
    from facerec.storage.pinecone.imports import PineconeImports
    from facerec.storage.sqlite import SqliteStore
else:
    config = DeferredModule("facerec.config")
    generations = DeferredModule("facerec.storage.generations")
    pinecone = DeferredModule("facerec.storage.pinecone")
    retrying = DeferredModule("facerec.storage.retrying")
    sqlite = DeferredModule("facerec.storage.sqlite")

_SQLITE = "sqlite:///"

PINECONE_LAG = 30.0
"""Seconds after which reads of Pinecone are assumed to see a write; it usually takes much less
(https://docs.pinecone.io/guides/index-data/check-data-freshness). Amazon S3 Vectors is strongly
consistent (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors.html)."""


def open_deployed_gallery(
    settings: Settings, objects: ObjectStore, *, patience: float | None = None
) -> Gallery:
    """Open the gallery of a deployment on AWS.

    Args:
        settings: Settings of the deployment.
        objects: Reads the photos that callers may name.
        patience: Seconds after which a request to the store of vectors is given up, by default 60;
            SQLite ignores it.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    start = None
    if settings.erasure_function is not None:
        from facerec.jobs.aws.erasure_function import open_erasure_function

        start = open_erasure_function(settings.erasure_function, settings.region).start
    return _deployed_gallery(
        settings,
        {recipe.value: engines.open_deployed_engine(settings, recipe) for recipe in Recipe},
        objects,
        patience=patience,
        start=start,
    )


def open_eraser(settings: Settings) -> Gallery:
    """Open the gallery of the function that erases from job folders and migrates collections.

    It loads networks only to migrate, and reads photos only of stored faces.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    objects = Objects(AccessPolicy(buckets=frozenset()))
    # Exports contain thumbnails of stored faces; the role limits which photos can be read.
    return _deployed_gallery(
        settings,
        {recipe.value: engines.open_local_engine(recipe) for recipe in Recipe},
        objects,
        indexed_objects=Objects(),
    )


def open_clustering_gallery(settings: Settings) -> Gallery:
    """Open the gallery of the container that clusters faces; it loads no network.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    objects = Objects(AccessPolicy(buckets=frozenset()))
    recipes = {recipe.value: engines.open_local_engine(recipe) for recipe in Recipe}
    return _deployed_gallery(settings, recipes, objects)


def open_clusterings(settings: Settings) -> ClusteringJobs | None:
    """Return the clusterings of a deployment; None if the settings name no job definition.

    Raises:
        ConfigurationError: A job definition is named, but no job queue, no table or no region.
    """
    if settings.clustering_definition is None:
        return None
    from facerec.jobs.aws.clustering_jobs import open_clustering_jobs

    queue = config.required_setting(settings.job_queue, "JOB_QUEUE_ARN")
    claims = _open_table(settings).open_clustering_claims()
    return open_clustering_jobs(queue, settings.clustering_definition, settings.region, claims)


def _deployed_gallery(
    settings: Settings,
    recipes: dict[str, FaceEngine],
    objects: ObjectStore,
    *,
    patience: float | None = None,
    start: Callable[[str], None] | None = None,
    indexed_objects: ObjectStore | None = None,
) -> Gallery:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.job_data import JobFolders

    jobs_root = settings.jobs_root
    faces, records, clusters = open_stores(settings, patience=patience)
    return Gallery(
        recipes[Recipe.FAST],
        recipes=recipes,
        faces=faces,
        records=records,
        clusters=clusters,
        migrations=open_migrations(settings, faces, records),
        registrations=records,
        matches_registered=settings.event_bus is not None,
        objects=objects,
        indexed_objects=indexed_objects,
        job_data=JobFolders(open_job_objects(settings), jobs_root),
        erasures=open_erasures(settings.erasures_root, start),
        defaults=gallery_defaults(settings),
        attributes=engines.open_attribute_networks(),
    )


def gallery_defaults(settings: Settings) -> GalleryDefaults:
    """Return the defaults of the operations in a deployment."""
    from facerec.core.options import FaceOptions
    from facerec.gallery.defaults import GalleryDefaults

    return GalleryDefaults(
        FaceOptions(max_faces=settings.max_faces, min_confidence=settings.min_confidence),
        settings.similarity_threshold,
    )


def open_job_objects(settings: Settings) -> Objects:
    """Return a store that reads and writes the job folders of a deployment, and nothing else.

    Raises:
        ConfigurationError: The settings name no bucket.
    """
    return Objects(AccessPolicy(buckets=frozenset(), own_folder=settings.jobs_root))


def open_faces(
    settings: Settings, *, patience: float | None = None, throttled: float | None = None
) -> FaceStore:
    """Open the store of faces: S3 Vectors, a Pinecone index, or the SQLite file set in their place.

    Args:
        settings: Settings of the deployment.
        patience: Seconds after which a request is given up, by default 60; SQLite ignores it.
        throttled: Seconds after which a throttled request is given up; by default, ``patience``.

    Raises:
        ConfigurationError: A variable is missing or wrong.
        AccessDeniedError: The secret with Pinecone's key may not be read.
        StoreUnavailableError: Secrets Manager does not respond.
        FacerecError: See ``open_pinecone_vectors`` and ``SqliteStore``.
    """
    if settings.store is not None:
        return _open_sqlite(settings.store)

    patience = retrying.PATIENCE if patience is None else patience
    vectors = _open_vectors(settings, patience, throttled)
    records = _open_table(settings)
    return generations.FacesByGeneration(vectors, records, on_removed=records.forget_faces)


def _open_vectors(settings: Settings, patience: float, throttled: float | None) -> VectorStore:
    if settings.vector_bucket is not None:
        from facerec.storage import s3vectors

        return s3vectors.open_s3_vectors(
            settings.vector_bucket, region=settings.region, patience=patience, throttled=throttled
        )
    return pinecone.open_pinecone_vectors(
        api_key=pinecone_api_key(settings),
        index_name=settings.pinecone_index_name,
        host=settings.pinecone_index_host,
        patience=patience,
        throttled=throttled,
    )


def open_stores(
    settings: Settings, *, patience: float | None = None, throttled: float | None = None
) -> tuple[FaceStore, DynamoDBStore | SqliteStore, ClusterStore]:
    """Open the stores of faces, of records and of clusters.

    With SQLite, all three are one object: two stores of one file would wait for each other in a
    transaction.

    Raises:
        FacerecError: See ``open_faces`` and ``open_records``.
    """
    if settings.store is not None:
        store = _open_sqlite(settings.store)
        return store, store, store
    faces = open_faces(settings, patience=patience, throttled=throttled)
    records = _open_table(settings)
    return faces, records, records.open_clusters(faces)


def open_records(settings: Settings) -> DynamoDBStore | SqliteStore:
    """Open the store of collections and people: a DynamoDB table, or the SQLite file in its place.

    Raises:
        FacerecError: A variable is missing or wrong, or the SQLite file cannot be opened.
    """
    if settings.store is not None:
        return _open_sqlite(settings.store)
    return _open_table(settings)


def _open_table(settings: Settings) -> DynamoDBStore:
    from facerec.storage.dynamodb.store import open_dynamodb_store

    return open_dynamodb_store(
        config.required_setting(settings.table, "FACEREC_TABLE"), settings.region
    )


def open_migrations(
    settings: Settings, faces: FaceStore, records: DynamoDBStore | SqliteStore
) -> MigrationStore:
    """Return the migrations of a deployment.

    Args:
        settings: Settings of the deployment.
        faces: The store of faces of the deployment.
        records: Its store of collections.
    """
    from facerec.storage.standby_sides import StandbySides

    if isinstance(records, sqlite.SqliteStore):
        return records
    assert isinstance(faces, generations.FacesByGeneration)  # noqa: S101 - opened together
    lag = PINECONE_LAG if settings.vector_bucket is None else 0.0
    return StandbySides(faces, records, lag=lag)


def open_child_dependencies(
    settings: Settings, engine: FaceEngine, *, stores_faces: bool = True
) -> ChildDependencies:
    """Open the stores of a child; its role limits what they can read.

    Args:
        settings: Settings of the deployment.
        engine: Detects the faces.
        stores_faces: Whether the child stores faces; otherwise an import does so later.

    Raises:
        FacerecError: See ``open_faces`` and ``open_records``.
    """
    from facerec.jobs.child.attempt import ChildDependencies

    objects = Objects(reads_other_regions=False)
    if stores_faces:
        faces, records, _ = open_stores(settings, throttled=retrying.THROTTLED_PATIENCE)
    else:
        from facerec.storage.faces import FaceStore
        from facerec.storage.no_vectors import NoVectors

        faces, records = FaceStore(NoVectors()), open_records(settings)
    registrations = None if settings.event_bus is None else records
    return ChildDependencies(engine, faces, records, objects, registrations)


@contextmanager
def open_imports(settings: Settings) -> Iterator[PineconeImports]:
    """Open the bulk imports of the Pinecone index of a deployment.

    Args:
        settings: Settings of the deployment.

    Raises:
        FacerecError: A setting is missing or wrong, or Pinecone cannot be reached.
    """
    imports = pinecone.open_pinecone_imports(
        pinecone_api_key(settings),
        index_name=settings.pinecone_index_name,
        host=settings.pinecone_index_host,
    )
    try:
        yield imports
    finally:
        imports.close()


def open_event_delivery(settings: Settings) -> tuple[EventBus, EventDelivery]:
    """Open the event bus of a deployment, and the delivery of events to it.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.storage.event_bus import MAX_ENTRIES, open_event_bus

    bus = open_event_bus(config.required_setting(settings.event_bus, "EVENT_BUS"))
    faces, records, _ = open_stores(settings)

    def is_stored(event: MatchEvent) -> bool:
        return bool(faces.get_faces(event.collection_id, [event.face_id]))

    return bus, EventDelivery(records, bus.send, at_once=MAX_ENTRIES, is_stored=is_stored)


def pinecone_api_key(settings: Settings) -> str:
    """Return Pinecone's API key, from the settings or from the secret that they name.

    Raises:
        ConfigurationError: Neither is set, the secret does not exist or has no SecretString, or no
            region is set to read it.
        AccessDeniedError: The secret may not be read.
        StoreUnavailableError: Secrets Manager does not respond.
    """
    if settings.pinecone_api_key is not None:
        return settings.pinecone_api_key
    if settings.pinecone_secret_arn is None:
        raise ConfigurationError(
            "neither PINECONE_API_KEY nor PINECONE_SECRET_ARN is set", "set one of them"
        )
    from facerec.storage.secrets import read_secret

    return read_secret(settings.pinecone_secret_arn)


def _open_sqlite(address: str) -> SqliteStore:
    if not address.startswith(_SQLITE):
        raise ConfigurationError(
            "the environment variable FACEREC_STORE must be empty or sqlite:///PATH",
            "leave it empty to use the stores on AWS",
        )
    return sqlite.SqliteStore(Path(address.removeprefix(_SQLITE)))


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
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        queue: ARN of the AWS Batch queue; without it, progress does not include the states of
            children.
        region: Region of the state machine; by default that of the environment.

    Raises:
        ConfigurationError: No region is set.
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
