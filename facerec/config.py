"""The settings of a deployment, read from the environment by entry points and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from facerec.core.limits import LARGEST_ARRAY
from facerec.core.options import FaceOptions
from facerec.errors import ConfigurationError

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment is set to; each attribute says which variable it comes from.

    Attributes:
        bucket: AWS_S3_BUCKET, the bucket that takes the folders of jobs, or None.
        region: AWS_REGION, or None where boto3 finds one itself.
        table: FACEREC_TABLE, the DynamoDB table that holds the collections, or None.
        store: FACEREC_STORE, ``sqlite:///path`` of a store that takes the place of both Pinecone
            and DynamoDB, for tests on one machine; or None.
        pinecone_api_key: PINECONE_API_KEY, or None.
        pinecone_secret_arn: PINECONE_SECRET_ARN, the secret whose value is the key, or None.
        pinecone_index_name: PINECONE_INDEX_NAME, or None.
        pinecone_index_host: PINECONE_INDEX_HOST, where the index answers; None looks it up.
        model_version: MODEL_VERSION, of the engine in the image of the jobs, or None.
        max_faces: MAX_FACES_PER_IMAGE, faces kept of a photo unless a job says else, 1 to 100.
        min_confidence: MIN_FACE_CONFIDENCE, 0 to 1, the like.
        similarity_threshold: SIMILARITY_THRESHOLD, 0 to 1; what is less similar does not match.
        allowed_origins: ALLOWED_ORIGINS, of web pages that may call the API.
        threads: FACEREC_THREADS, of one run of a network; None for all cores of the process.
        largest_array: LARGEST_ARRAY, the most children of an array job, 3 to 10,000.
    """

    bucket: str | None = None
    region: str | None = None
    table: str | None = None
    store: str | None = None
    pinecone_api_key: str | None = field(default=None, repr=False)
    pinecone_secret_arn: str | None = None
    pinecone_index_name: str | None = None
    pinecone_index_host: str | None = None
    model_version: str | None = None
    max_faces: int = FaceOptions().max_faces
    min_confidence: float = FaceOptions().min_confidence
    similarity_threshold: float = 0.8
    allowed_origins: tuple[str, ...] = ()
    threads: int | None = None
    largest_array: int = LARGEST_ARRAY

    @property
    def jobs_root(self) -> str:
        """Under which jobs have their folders; ends in ``/``.

        Raises:
            ConfigurationError: no bucket is set.
        """
        return f"s3://{needed(self.bucket, 'AWS_S3_BUCKET')}/jobs/"


_DEFAULTS = Settings()

_SMALLEST_LIMIT = 3
"""Children cannot be cut into arrays of two at most without a tail of one."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as unset.

    Raises:
        ConfigurationError: with the variable that is wrong.
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
        model_version=variables.text("MODEL_VERSION"),
        max_faces=variables.number("MAX_FACES_PER_IMAGE", int, _DEFAULTS.max_faces, 1, 100),
        min_confidence=variables.number(
            "MIN_FACE_CONFIDENCE", float, _DEFAULTS.min_confidence, 0, 1
        ),
        similarity_threshold=variables.number(
            "SIMILARITY_THRESHOLD", float, _DEFAULTS.similarity_threshold, 0, 1
        ),
        allowed_origins=tuple((variables.text("ALLOWED_ORIGINS") or "").replace(",", " ").split()),
        threads=variables.number("FACEREC_THREADS", int, 0, 1, 1024) or None,
        largest_array=variables.number(
            "LARGEST_ARRAY", int, LARGEST_ARRAY, _SMALLEST_LIMIT, LARGEST_ARRAY
        ),
    )


def needed(value: Value | None, variable: str) -> Value:
    """Return a setting that this entry point cannot do without.

    Raises:
        ConfigurationError: it is not set.
    """
    if value is None:
        raise ConfigurationError(f"the environment variable {variable} is not set")
    return value


class _Variables:
    """Reads variables of the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

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
        # "nan" is a number to Python, but in no range.
        if value is None or not lowest <= value <= highest:
            raise ConfigurationError(
                f"the environment variable {name} is {text!r}, "
                f"not a number from {lowest} to {highest}"
            )
        return value
