"""The bodies and parameters of REST requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from facerec.api.rest.base64_photos import decode_photo
from facerec.api.rest.rules import at_least_one, exactly_one, without_nulls
from facerec.core.erasures import SubjectKind
from facerec.core.limits import MAX_MATCHES, MAX_PAGE, MAX_USER_MATCHES
from facerec.core.names import (
    COLLECTION_ID_CHARACTER,
    EXTERNAL_IMAGE_ID_CHARACTER,
    MAX_NAME_LENGTH,
    MAX_USER_ID_LENGTH,
    USER_NAME_PATTERN,
)
from facerec.core.options import (
    DEFAULT_THRESHOLD,
    MAX_FACES,
    MIN_SMALLEST_FACE,
    OPTION_TEXTS,
    ChosenOptions,
    FaceOptions,
)
from facerec.gallery.associations import MAX_FACES_OF_USER
from facerec.gallery.defaults import DEFAULT_LIMIT, GalleryDefaults
from facerec.gallery.photos import Photo, PhotoLocation
from facerec.gallery.user_operations import ASSOCIATION_THRESHOLD
from facerec.jobs.request import JOB_FIELDS
from facerec.jobs.status import PRUNE_LIMIT_PERCENTAGE, TOLERATED_FAILURE_PERCENTAGE

COLLECTION_PATTERN = f"^{COLLECTION_ID_CHARACTER}+$"
EXTERNAL_IMAGE_PATTERN = f"^{EXTERNAL_IMAGE_ID_CHARACTER}+$"
FACE_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

CollectionPath = Annotated[
    str,
    Path(min_length=1, max_length=MAX_NAME_LENGTH, pattern=COLLECTION_PATTERN, examples=["staff"]),
]
FacePath = Annotated[str, Path(pattern=FACE_PATTERN)]
UserPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=EXTERNAL_IMAGE_PATTERN,
        examples=["ann"],
    ),
]
Threshold = Annotated[
    float | None,
    Query(ge=0, le=1, allow_inf_nan=False, description="Minimum similarity of a match."),
]
TargetFmr = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        description="Instead of `threshold`: the share of searches for a stranger that may have a "
        "match in a collection of this size.",
    ),
]
PersonPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        pattern=EXTERNAL_IMAGE_PATTERN,
        description="A user id, an external image id or what comes before the colon in it, or the "
        "id of another face.",
        examples=["ann"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Return at most this many entries.")]
NextToken = Annotated[
    str | None, Query(max_length=255, description="`next_token` of the previous page.")
]

Disassociate = Annotated[
    bool,
    Query(description="Disassociate the face from its person first, which otherwise is refused."),
]

CollectionName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=COLLECTION_PATTERN, examples=["staff"]),
]
ExternalImageId = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=EXTERNAL_IMAGE_PATTERN)
]
UserId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=EXTERNAL_IMAGE_PATTERN,
        examples=["ann"],
    ),
]
PersonName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        pattern=USER_NAME_PATTERN,
        examples=["Zoë Müller", "张伟"],
    ),
]
FaceId = Annotated[str, Field(pattern=FACE_PATTERN)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Bucket = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[0-9A-Za-z.\-_]+$")]
Key = Annotated[str, Field(min_length=1, max_length=1024)]
Patterns = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]], Field(max_length=100)
]


def _is_base64(text: str) -> str:
    decode_photo(text)
    return text


Base64 = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"contentEncoding": "base64", "format": "byte"}),
    AfterValidator(_is_base64),
]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Accepts an integer as JSON Schema defines it: 20.0 is one, and some languages write it so."""


class _Document(BaseModel):
    # values are not converted: "0.8" is not a number here, and 1 is not a boolean
    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra=without_nulls)

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, document: object) -> object:
        nulls = sorted(
            name
            for name, value in (document.items() if isinstance(document, dict) else ())
            if value is None and name in cls.model_fields
        )
        if nulls:
            raise ValueError(
                f"{', '.join(nulls)}: null is not a value; omit the fields that you do not set"
            )
        return document


class _PhotoFields(_Document):
    bucket: Bucket | None = None
    key: Key | None = None
    version: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    image: Base64 | None = Field(
        None,
        description="The photo's bytes in base64 (also URL-safe), or a data URL of them.",
    )

    def photo(self) -> Photo:
        """Return the photo that the request names or holds."""
        if self.image is not None:
            return decode_photo(self.image)
        return PhotoLocation.in_bucket(self.bucket or "", self.key or "", self.version)


class PhotoSource(_PhotoFields):
    """A photo: its bytes in `image`, or `bucket` and `key` of an object."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(("image",), ("bucket", "key"), version=("key",))
    )

    @model_validator(mode="after")
    def _one_photo(self) -> PhotoSource:
        named = (self.bucket is not None) + (self.key is not None)
        if named not in (0, 2) or (self.image is None) != (named == 2):
            raise ValueError(
                "the photo is missing, or given twice: send it as image (base64 in JSON, a file in "
                "a form), or name bucket and key"
            )
        if self.version is not None and named != 2:
            raise ValueError("a version goes with bucket and key")
        return self


class ErasureRequest(_Document):
    """What is to be erased: one of a face, a photo, an external image id and a user."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            ("face_id",), ("photo",), ("external_image_id",), ("user_id",)
        )
    )

    face_id: Annotated[str, Field(pattern=FACE_PATTERN)] | None = None
    photo: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None, description="The photo's `source`, as faces have it."
    )
    external_image_id: ExternalImageId | None = None
    user_id: UserId | None = Field(None, description="The user; its faces belong to it.")

    @model_validator(mode="after")
    def _one_subject(self) -> ErasureRequest:
        if len(self._named()) != 1:
            raise ValueError("give one of face_id, photo, external_image_id and user_id")
        return self

    def subject(self) -> tuple[SubjectKind, str]:
        """Return what is to be erased."""
        return self._named()[0]

    def _named(self) -> list[tuple[SubjectKind, str]]:
        given = {
            SubjectKind.FACE: self.face_id,
            SubjectKind.PHOTO: self.photo,
            SubjectKind.EXTERNAL_ID: self.external_image_id,
            SubjectKind.USER: self.user_id,
        }
        return [(kind, name) for kind, name in given.items() if name is not None]


class FaceChoice(_Document):
    """How the faces of a photo are chosen."""

    max_faces: Annotated[int, Field(ge=1, le=MAX_FACES), WHOLE] | None = Field(
        None,
        description=f"{OPTION_TEXTS['max_faces']}; by default {MAX_FACES}, or the server's setting "
        "where faces are stored.",
    )
    min_confidence: Share | None = Field(
        None,
        description=f"{OPTION_TEXTS['min_confidence']}; by default the server's setting (0.9), or "
        "0.5 where no quality filter applies.",
    )
    quality_filter: Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"] | None = Field(
        None,
        description=f"{OPTION_TEXTS['quality_filter']}; by default AUTO where faces are stored, "
        "else NONE.",
    )
    smallest_face: Annotated[int, Field(ge=MIN_SMALLEST_FACE), WHOLE] | None = Field(
        None,
        description=f"{OPTION_TEXTS['smallest_face']}; by default 2 % of its longer side, at least "
        "40.",
    )
    rotate: bool | None = Field(
        None,
        description=f"{OPTION_TEXTS['rotate']}; by default true.",
    )
    detector: Literal["cnn", "cnn-exact", "hog"] | None = Field(
        None, description=f"{OPTION_TEXTS['detector']}; by default the first."
    )

    def index_options(self, defaults: GalleryDefaults) -> FaceOptions:
        """Return the options for photos whose faces are stored."""
        return defaults.index_options(**self.chosen())

    def probe_options(self, defaults: GalleryDefaults) -> FaceOptions:
        """Return the options for a photo that is searched, compared or inspected, not stored."""
        return defaults.probe_options(**self.chosen())

    def chosen(self) -> ChosenOptions:
        """Return the options that the request gives."""
        given = self.model_dump(include=set(ChosenOptions.__annotations__), exclude_none=True)
        return cast("ChosenOptions", given)


class MatchRequest(FaceChoice, PhotoSource):
    """Search a collection for every face of a photo."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            ("image",), ("bucket", "key"), version=("key",), at_most_one=("threshold", "target_fmr")
        )
    )

    collection_id: CollectionName
    limit: Annotated[int, Field(ge=1, le=MAX_MATCHES), WHOLE] | None = Field(
        None,
        description="Return at most this many matches of each face of the photo; by default "
        f"{DEFAULT_LIMIT}.",
    )
    threshold: Share | None = Field(
        None,
        description="Minimum similarity of a match; by default the collection's, or else the "
        f"server's setting ({DEFAULT_THRESHOLD}).",
    )
    target_fmr: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Instead of `threshold`: the share of searches for a stranger that may have a "
        "match in a collection of this size. The threshold that was used is in the answer.",
    )
    repeat_people: bool = Field(
        False,
        description="Whether several faces of the photo may match one person. By default only the "
        "most similar one does, since a photo shows nobody twice.",
    )
    index: bool = Field(
        False,
        description="Store the faces of this photo too, after the search. The defaults of its "
        "options are then those of `/index`.",
    )
    external_image_id: ExternalImageId | None = Field(
        None, description="Your own name for the photo, where it is stored."
    )


class IndexRequest(FaceChoice, _PhotoFields):
    """Index the faces of one photo, or of all photos of a manifest or prefix.

    Give exactly one of `image`, `bucket` with `key`, `bucket` with `prefix`, and `manifest`.
    """

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            ("image",),
            ("bucket", "key"),
            ("bucket", "prefix"),
            ("manifest",),
            version=("key",),
            external_image_id=("image", "key"),
            **dict.fromkeys(JOB_FIELDS, ("prefix", "manifest")),
        )
    )

    collection_id: CollectionName
    prefix: Annotated[str, Field(max_length=1024)] | None = Field(
        None,
        description="With `bucket`: index all photos in this folder of it, as a job; empty: all.",
    )
    manifest: (
        Annotated[str, Field(min_length=6, max_length=4096, pattern="^s3://[^/]+/.+")] | None
    ) = Field(None, description="Index all photos of the manifest at this address, as a job.")
    external_image_id: ExternalImageId | None = Field(
        None, description="Your own name for the photo."
    )
    create_collection: bool | None = Field(
        None,
        description="With a manifest or prefix: create the collection if it does not exist; by "
        "default true.",
    )
    retry_failures: bool | None = Field(
        None,
        description="With a manifest or prefix: process photos again that failed in a complete "
        "job.",
    )
    force: bool | None = Field(
        None,
        description="With a manifest or prefix: process all photos again, also indexed ones.",
    )
    restore_deleted: bool | None = Field(
        None,
        description="With a manifest or prefix: process all photos again, and also store faces "
        "that somebody has deleted. A single photo is always indexed with such faces.",
    )
    prune: bool | None = Field(
        None,
        description="With a prefix: remove the faces of photos that are gone.",
    )
    prune_limit_percentage: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None,
        description="With `prune`: refuse the job if a larger share of the photos is gone; by "
        f"default {PRUNE_LIMIT_PERCENTAGE:g}.",
    )
    tolerated_failure_percentage: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None,
        description="With a manifest or prefix: the share of photos that may fail before the job "
        f"counts as failed; by default {TOLERATED_FAILURE_PERCENTAGE:g}.",
    )
    include: Patterns | None = Field(
        None,
        description="With a prefix: index only files that match one of these, such as `*.jpg`.",
    )
    exclude: Patterns | None = Field(
        None, description="With a prefix: do not index files that match one of these."
    )
    person_from: Literal["file", "folder"] | None = Field(
        None,
        description="With a prefix: name the faces after their files (the default), or after the "
        "folders that they are in.",
    )

    @property
    def is_job(self) -> bool:
        """Whether the request is about more than one photo."""
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
                "give one of image, bucket and key, bucket and prefix, and manifest, and nothing "
                "of the others"
            )
        if self.is_job and self.external_image_id is not None:
            raise ValueError("an external_image_id goes with one photo; manifests have their own")
        for name in JOB_FIELDS:
            if getattr(self, name) not in (None, False) and not self.is_job:
                raise ValueError(f"{name} goes with a manifest or prefix")
        if self.version is not None and "key" not in given:
            raise ValueError("a version goes with bucket and key")
        return self


class DetectRequest(FaceChoice, PhotoSource):
    """Find the faces of a photo."""

    attributes: bool = Field(
        False,
        description="Estimate age and gender of each face; needs networks that are not part of "
        "facerec.",
    )


class CompareRequest(FaceChoice):
    """Compare every face of one photo with every face of another."""

    source: PhotoSource
    target: PhotoSource


class ThresholdRequest(_Document):
    """The minimum similarity of a match in a collection where a search gives none."""

    threshold: Share


class CreateCollectionRequest(_Document):
    """A new collection."""

    collection_id: CollectionName


class CreatePersonRequest(_Document):
    """A new person."""

    model_config = ConfigDict(json_schema_extra=at_least_one("user_id", "name"))

    user_id: UserId | None = Field(None, description="By default derived from the name.")
    name: PersonName | None = Field(
        None, description="Shown wherever the person is; nobody else may have it."
    )


class NameClusterRequest(_Document):
    """The person that the faces of a cluster show."""

    user_id: UserId


class MergePeopleRequest(_Document):
    """The person that is merged into another."""

    other_id: UserId


class SplitPersonRequest(_Document):
    """The faces of a person that show somebody else."""

    face_ids: Annotated[list[FaceId], Field(min_length=1, max_length=MAX_FACES_OF_USER)]
    user_id: UserId = Field(description="The new person; one that exists must have no faces.")
    name: PersonName | None = Field(None, description="The name of the new person.")


class RenamePersonRequest(_Document):
    """The name of a person."""

    name: PersonName


class ClusterRequest(_Document):
    """Cluster the faces of a collection."""

    threshold: Share | None = Field(
        None,
        description="Minimum similarity of two faces that connect clusters; by default, it depends "
        "on the number of faces.",
    )


class AddFacesRequest(_Document):
    """Associate faces with a person."""

    face_ids: Annotated[list[FaceId], Field(min_length=1, max_length=MAX_FACES_OF_USER)]
    threshold: Share | None = Field(
        None,
        description="Minimum similarity of a face to the person's other faces; by default "
        f"{ASSOCIATION_THRESHOLD}.",
    )


class MatchPeopleRequest(FaceChoice, PhotoSource):
    """Search for the people whom the largest face of a photo may show."""

    collection_id: CollectionName
    limit: Annotated[int, Field(ge=1, le=MAX_USER_MATCHES), WHOLE] | None = Field(
        None, description=f"Return at most this many people; by default {MAX_USER_MATCHES}."
    )
    threshold: Share | None = Field(
        None,
        description="Minimum similarity of a match; by default the server's setting "
        f"({DEFAULT_THRESHOLD}).",
    )
