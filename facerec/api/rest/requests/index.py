"""The request that indexes one photo or many."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from facerec.api.rest.requests.fields import (
    MAX_ADDRESS_LENGTH,
    CollectionName,
    ExternalImageId,
    Percentage,
    RecipeName,
)
from facerec.api.rest.requests.photos import LimitedFaces, NamablePhoto
from facerec.api.rest.rules import exactly_one
from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.jobs.fields import JOB_FIELDS
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE

Patterns = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]], Field(max_length=100)
]


class IndexRequest(LimitedFaces, NamablePhoto):
    """Index the faces of one photo, or of all photos of a manifest or prefix.

    Specify exactly one of `image`, `bucket` with `key`, `bucket` with `prefix`, and `manifest`.
    """

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            ("image",),
            ("bucket", "key"),
            ("bucket", "prefix"),
            ("manifest",),
            version=("key",),
            external_image_id=("image", "key"),
            photo_name=("image",),
            limit=("image", "key"),
            repeat_photo=("image", "key"),
            **dict.fromkeys(JOB_FIELDS, ("prefix", "manifest")),
        )
    )

    collection_id: CollectionName
    prefix: Annotated[str, Field(max_length=1024)] | None = Field(
        None,
        description="With `bucket`: index all photos of the bucket below this folder, as a job; "
        "if empty, all photos of the bucket.",
    )
    manifest: (
        Annotated[str, Field(min_length=6, max_length=MAX_ADDRESS_LENGTH, pattern="^s3://[^/]+/.+")]
        | None
    ) = Field(None, description="Index all photos of the manifest at this address, as a job.")
    external_image_id: ExternalImageId | None = Field(
        None, description="Your own name for the photo."
    )
    repeat_photo: bool | None = Field(
        None,
        description="Whether to store faces again that the collection contains from the same file "
        "with another external image id, as Rekognition does; by default true.",
    )
    create_collection: bool | None = Field(
        None,
        description="With a manifest or prefix: create the collection if it does not exist; by "
        "default true.",
    )
    recipe: RecipeName | None = Field(
        None,
        description="With a manifest or prefix: the recipe of a new collection's faces; by default "
        "the server's.",
    )
    retry_failures: bool | None = Field(
        None,
        description="With a manifest or prefix: process again the photos that failed in a complete "
        "job.",
    )
    force: bool | None = Field(
        None,
        description="With a manifest or prefix: process all photos again, including indexed ones.",
    )
    restore_deleted: bool | None = Field(
        None,
        description="With a manifest or prefix: process all photos again, and also store faces "
        "that were deleted on purpose. For a single photo, such faces are always stored.",
    )
    prune: bool | None = Field(
        None,
        description="With a prefix: remove the faces of photos that are gone.",
    )
    prune_limit_percentage: Percentage | None = Field(
        None,
        description="With `prune`: refuse the job if a larger percentage of the photos is gone; "
        f"by default {PRUNE_LIMIT_PERCENTAGE:g}.",
    )
    tolerated_failure_percentage: Percentage | None = Field(
        None,
        description="With a manifest or prefix: the percentage of photos that may fail before the "
        f"job counts as failed; by default {TOLERATED_FAILURE_PERCENTAGE:g}. If at most 20 failed, "
        "unchanged photos of the source count too.",
    )
    include: Patterns | None = Field(
        None,
        description="With a prefix: index only files that match one of these, such as `*.jpg`.",
    )
    exclude: Patterns | None = Field(
        None, description="With a prefix: do not index files that match one of these."
    )
    external_ids: Literal["path", "folder", "none"] | None = Field(
        None,
        description="With a prefix: derive external image ids from the paths of photos (the "
        "default) or from the folders that they are in, or give none, so that a photo keeps its "
        "faces wherever it is moved to.",
    )
    person_from: (
        Annotated[str, Field(pattern="^(folder|pattern:.+|column:.+)$", max_length=255)] | None
    ) = Field(
        None,
        description="With a manifest or prefix, on AWS only: create people from the names of "
        "photos: `folder` uses the paths of folders, `pattern:{person}_*.jpg` parts of paths, "
        "`column:NAME` a column of the manifest. The photos then get no external image ids.",
    )

    @property
    def is_job(self) -> bool:
        """Whether the request starts a job because it may concern several photos."""
        return self.manifest is not None or self.prefix is not None

    def execution_input(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the execution input of the job that the request asks for."""
        folder = (self.prefix or "").rstrip("/")
        prefix = f"s3://{self.bucket}/{folder}/" if folder else f"s3://{self.bucket}/"
        document = {
            "collection_id": self.collection_id,
            "manifest": self.manifest or prefix,
            "options": options,
        }
        return {**document, **self.model_dump(include=set(JOB_FIELDS), exclude_none=True)}

    @model_validator(mode="after")
    def _one_source(self) -> IndexRequest:
        given = {
            name
            for name in ("bucket", "key", "image", "prefix", "manifest")
            if getattr(self, name) is not None
        }
        sources = ({"image"}, {"bucket", "key"}, {"bucket", "prefix"}, {"manifest"})
        if given not in sources:
            raise ValueError(
                "specify exactly one: image; bucket with key; bucket with prefix; or manifest"
            )
        if self.is_job and self.external_image_id is not None:
            raise ValueError(
                "external_image_id is only for a single photo; for a job, name ids in a manifest, "
                "or choose external_ids"
            )
        if self.is_job and self.limit is not None:
            raise ValueError("limit is only for a single photo; for a job, use max_faces")
        if self.is_job and self.repeat_photo is not None:
            raise ValueError("repeat_photo is only for a single photo")
        for name in JOB_FIELDS:
            if getattr(self, name) not in (None, False) and not self.is_job:
                raise ValueError(f"{name} can be given only with a manifest or prefix")
        self.check_version()
        return self
