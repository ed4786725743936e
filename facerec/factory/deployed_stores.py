"""Opens the stores of a deployment on AWS from its settings."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.errors import ConfigurationError
from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec import config
    from facerec.config import Settings
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.protocols.vectors import VectorStore
    from facerec.storage import generations, pinecone, retrying, sqlite
    from facerec.storage.dynamodb.store import DynamoDBStore
    from facerec.storage.faces import FaceStore
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
    records = open_table(settings)
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

    With SQLite, one object is all three stores: two stores of one file would wait for each other in
    a transaction.

    Raises:
        FacerecError: See ``open_faces`` and ``open_records``.
    """
    if settings.store is not None:
        store = _open_sqlite(settings.store)
        return store, store, store
    faces = open_faces(settings, patience=patience, throttled=throttled)
    records = open_table(settings)
    return faces, records, records.open_clusters(faces)


def open_records(settings: Settings) -> DynamoDBStore | SqliteStore:
    """Open the store of collections and people: a DynamoDB table, or the SQLite file in its place.

    Raises:
        FacerecError: A variable is missing or wrong, or the SQLite file cannot be opened.
    """
    if settings.store is not None:
        return _open_sqlite(settings.store)
    return open_table(settings)


def open_table(settings: Settings) -> DynamoDBStore:
    """Open the DynamoDB table of a deployment.

    Raises:
        ConfigurationError: The settings name no table or no region.
    """
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
        records: The store of collections of the deployment.
    """
    from facerec.storage.standby_sides import StandbySides

    if isinstance(records, sqlite.SqliteStore):
        return records
    assert isinstance(faces, generations.FacesByGeneration)  # noqa: S101 - opened together
    lag = PINECONE_LAG if settings.vector_bucket is None else 0.0
    return StandbySides(faces, records, lag=lag)


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
