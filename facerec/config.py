"""Settings of a deployment, read from the environment by the entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from facerec.core.limits import MAX_ARRAY_SIZE, PRUNE_LIMIT_PERCENTAGE
from facerec.core.options import DEFAULT_THRESHOLD, MAX_FACES, FaceOptions
from facerec.errors import ConfigurationError

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a deployment, each with its environment variable.

    A setting that is None is not set.

    Attributes:
        bucket: AWS_S3_BUCKET, the bucket of the folders of jobs, or None.
        region: AWS_REGION, or None to use boto3's default.
        table: FACEREC_TABLE, the DynamoDB table for collections, or None.
        store: FACEREC_STORE, ``sqlite:///path`` of a store to use in place of Pinecone and DynamoDB
            in tests on one machine, or None.
        pinecone_api_key: PINECONE_API_KEY, or None.
        pinecone_secret_arn: PINECONE_SECRET_ARN, the secret that holds the key, or None.
        pinecone_index_name: PINECONE_INDEX_NAME, or None.
        vector_bucket: VECTOR_BUCKET, the bucket of Amazon S3 Vectors, or None
            for Pinecone.
        pinecone_index_host: PINECONE_INDEX_HOST, the address of the index; if None, it is looked up
            by name.
        pinecone_integration_id: PINECONE_INTEGRATION_ID, the storage integration with which
            Pinecone imports files of the bucket, or None.
        model_version: MODEL_VERSION, the engine's version in the container image of the jobs, or
            None.
        max_faces: MAX_FACES_PER_IMAGE, maximum faces kept per photo, 1 to 100; jobs can override
            it.
        min_confidence: MIN_FACE_CONFIDENCE, minimum confidence of faces, 0 to 1; jobs can override
            it.
        similarity_threshold: SIMILARITY_THRESHOLD, minimum similarity of a match, 0 to 1.
        allowed_origins: ALLOWED_ORIGINS, origins of web pages that can call the API.
        threads: FACEREC_THREADS, threads per run of a network, 1 to 1024; None for all cores of
            the process.
        batch_image: BATCH_IMAGE, the address of the container image of the jobs, or None.
        architecture: ARCHITECTURE of the machines of the jobs, ``x86_64`` or ``arm64``, or None.
        instance_types: INSTANCE_TYPES, types or families of these machines; if empty, AWS Batch
            chooses.
        child_memory: CHILD_MEMORY, memory in MiB for each child of a job on AWS, 1024 to 32,768.
        resubmissions: RESUBMISSIONS, number of times that unfinished children are submitted again,
            0 to 5.
        event_bus: EVENT_BUS, the ARN of the event bus of Amazon EventBridge that receives matches
            of registered people; None disables the matching of registered people.
        erasure_function: ERASURE_FUNCTION, the function that erases from job folders after a
            deletion; None to erase during the request.
        job_queue: JOB_QUEUE_ARN, the queue of AWS Batch, or None.
        clustering_definition: CLUSTERING_DEFINITION, the job definition of clusterings; None if
            this process cannot start them.
        state_machine: STATE_MACHINE_ARN, the state machine that runs jobs, or None.
        start_timeout: START_TIMEOUT, minutes that a job may wait for its first child, 10 to
            10,080.
        child_vcpus: CHILD_VCPUS, number of vCPUs for each child of a job on AWS, 1 to 16.
        watched_folder: WATCHED_FOLDER, a prefix in S3, with its final ``/``, that is indexed when
            it changes, or None.
        watched_collection: WATCHED_COLLECTION, the collection for its photos, or None.
        watched_deletions: WATCHED_DELETIONS, whether deletions of its photos remove their faces;
            every value except ``yes`` is false.
        watched_prune_limit: WATCHED_PRUNE_LIMIT, percentage of its photos that may be gone, 0 to
            100; if more are, their faces stay.
        max_array_size: MAX_ARRAY_SIZE, maximum children per array job, 3 to 10,000.
    """

    bucket: str | None = None
    region: str | None = None
    table: str | None = None
    store: str | None = None
    pinecone_api_key: str | None = field(default=None, repr=False)
    pinecone_secret_arn: str | None = None
    pinecone_index_name: str | None = None
    pinecone_index_host: str | None = None
    pinecone_integration_id: str | None = None
    vector_bucket: str | None = None
    model_version: str | None = None
    max_faces: int = FaceOptions().max_faces
    min_confidence: float = FaceOptions().min_confidence
    similarity_threshold: float = DEFAULT_THRESHOLD
    allowed_origins: tuple[str, ...] = ()
    threads: int | None = None
    batch_image: str | None = None
    architecture: str | None = None
    instance_types: tuple[str, ...] = ()
    child_memory: int = 1792
    resubmissions: int = 3
    event_bus: str | None = None
    erasure_function: str | None = None
    job_queue: str | None = None
    clustering_definition: str | None = None
    state_machine: str | None = None
    start_timeout: int = 60
    child_vcpus: int = 1
    watched_folder: str | None = None
    watched_collection: str | None = None
    watched_deletions: bool = False
    watched_prune_limit: float = PRUNE_LIMIT_PERCENTAGE
    max_array_size: int = MAX_ARRAY_SIZE

    @property
    def jobs_root(self) -> str:
        """Address of the folder of all jobs, with its final ``/``.

        Raises:
            ConfigurationError: No bucket is set.
        """
        return f"s3://{required_setting(self.bucket, 'AWS_S3_BUCKET')}/jobs/"

    @property
    def erasures_root(self) -> str:
        """Address of the folder of the records of erasures, with its final ``/``.

        Raises:
            ConfigurationError: No bucket is set.
        """
        return f"s3://{required_setting(self.bucket, 'AWS_S3_BUCKET')}/erasures/"

    @property
    def changes_root(self) -> str:
        """Address of the folder of the notes about a watched folder, with its final ``/``.

        Raises:
            ConfigurationError: No bucket is set.
        """
        return f"s3://{required_setting(self.bucket, 'AWS_S3_BUCKET')}/changes/"


_DEFAULTS = Settings()

_MIN_ARRAY_LIMIT = 3
"""Minimum of MAX_ARRAY_SIZE: an odd number of children in arrays of two would leave an array of
one, which AWS Batch refuses."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as unset.

    The values of a variable with several values are separated by commas or spaces.

    Raises:
        ConfigurationError: A variable has an invalid value; the message names it.
    """
    variables = _Variables(environment)
    return Settings(
        bucket=variables.text("AWS_S3_BUCKET"),
        region=variables.text("AWS_REGION"),
        table=variables.text("FACEREC_TABLE"),
        store=variables.text("FACEREC_STORE"),
        pinecone_api_key=variables.text("PINECONE_API_KEY"),
        pinecone_secret_arn=variables.text("PINECONE_SECRET_ARN"),
        pinecone_index_name=variables.text("PINECONE_INDEX_NAME"),
        pinecone_index_host=variables.text("PINECONE_INDEX_HOST"),
        pinecone_integration_id=variables.text("PINECONE_INTEGRATION_ID"),
        vector_bucket=variables.text("VECTOR_BUCKET"),
        model_version=variables.text("MODEL_VERSION"),
        max_faces=variables.number("MAX_FACES_PER_IMAGE", int, _DEFAULTS.max_faces, 1, MAX_FACES),
        min_confidence=variables.number(
            "MIN_FACE_CONFIDENCE", float, _DEFAULTS.min_confidence, 0, 1
        ),
        similarity_threshold=variables.number(
            "SIMILARITY_THRESHOLD", float, _DEFAULTS.similarity_threshold, 0, 1
        ),
        allowed_origins=variables.texts("ALLOWED_ORIGINS"),
        threads=variables.number("FACEREC_THREADS", int, 0, 1, 1024) or None,
        batch_image=variables.text("BATCH_IMAGE"),
        architecture=variables.text("ARCHITECTURE"),
        instance_types=variables.texts("INSTANCE_TYPES"),
        child_memory=variables.number("CHILD_MEMORY", int, _DEFAULTS.child_memory, 1024, 32768),
        resubmissions=variables.number("RESUBMISSIONS", int, _DEFAULTS.resubmissions, 0, 5),
        event_bus=variables.text("EVENT_BUS"),
        erasure_function=variables.text("ERASURE_FUNCTION"),
        job_queue=variables.text("JOB_QUEUE_ARN"),
        clustering_definition=variables.text("CLUSTERING_DEFINITION"),
        state_machine=variables.text("STATE_MACHINE_ARN"),
        start_timeout=variables.number("START_TIMEOUT", int, _DEFAULTS.start_timeout, 10, 10_080),
        child_vcpus=variables.number("CHILD_VCPUS", int, _DEFAULTS.child_vcpus, 1, 16),
        watched_folder=variables.text("WATCHED_FOLDER"),
        watched_collection=variables.text("WATCHED_COLLECTION"),
        watched_deletions=variables.text("WATCHED_DELETIONS") == "yes",
        watched_prune_limit=variables.number(
            "WATCHED_PRUNE_LIMIT", float, _DEFAULTS.watched_prune_limit, 0, 100
        ),
        max_array_size=variables.number(
            "MAX_ARRAY_SIZE", int, MAX_ARRAY_SIZE, _MIN_ARRAY_LIMIT, MAX_ARRAY_SIZE
        ),
    )


def required_setting(value: Value | None, variable: str) -> Value:
    """Return a setting that this entry point requires.

    Raises:
        ConfigurationError: The setting is missing.
    """
    if value is None:
        raise ConfigurationError(
            f"the environment variable {variable} is not set", "set it, or deploy the stack again"
        )
    return value


class _Variables:
    """Reads variables of the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._environment.get(name, "").replace(",", " ").split())

    def number(
        self,
        name: str,
        kind: Callable[[str], Number],
        default: Number,
        lowest: Number,
        highest: Number,
    ) -> Number:
        text = self.text(name)
        if text is None:
            return default
        try:
            value = kind(text)
        except ValueError:
            value = None
        # Python parses "nan" as a number, but no range contains it.
        if value is None or not lowest <= value <= highest:
            raise ConfigurationError(
                f"the environment variable {name} is {text!r}, not a "
                f"{'whole ' if kind is int else ''}number from {lowest} to {highest}",
                "correct it, or the parameter of the stack that sets it",
            )
        return value
