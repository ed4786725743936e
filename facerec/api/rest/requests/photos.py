"""The fields of a request that specify a photo, and how its faces are chosen."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from facerec.api.rest.base64_photos import decode_photo
from facerec.api.rest.requests.document import Document
from facerec.api.rest.requests.fields import WHOLE, PhotoName, Share
from facerec.api.rest.rules import exactly_one
from facerec.core.options import (
    MAX_FACES,
    MIN_SMALLEST_FACE,
    OPTION_TEXTS,
    ChosenOptions,
    FaceOptions,
)
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.photos import Photo, PhotoLocation

Bucket = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[0-9A-Za-z.\-_]+$")]
Key = Annotated[str, Field(min_length=1, max_length=1024)]


def _is_base64(text: str) -> str:
    decode_photo(text)
    return text


Base64 = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"contentEncoding": "base64", "format": "byte"}),
    AfterValidator(_is_base64),
]


class PhotoFields(Document):
    """The fields of a photo, or of its address; none is required."""

    bucket: Bucket | None = None
    key: Key | None = None
    version: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    image: Base64 | None = Field(
        None,
        description="The photo's bytes in base64 (also URL-safe), or a data URL of them.",
    )

    def check_version(self) -> None:
        """Check that a version is given only with an object.

        Raises:
            ValueError: The version has no bucket and key.
        """
        if self.version is not None and (self.bucket is None or self.key is None):
            raise ValueError("version can be given only with bucket and key")

    def photo(self) -> Photo:
        """Return the photo in the request, or its address."""
        if self.image is not None:
            return decode_photo(self.image)
        return PhotoLocation.in_bucket(self.bucket or "", self.key or "", self.version)


ONE_PHOTO = exactly_one(("image",), ("bucket", "key"), version=("key",))
"""The rule for the fields of a photo, for requests that have further rules."""


class PhotoSource(PhotoFields):
    """A photo: its bytes in `image`, or `bucket` and `key` of an object."""

    model_config = ConfigDict(json_schema_extra=ONE_PHOTO)

    @model_validator(mode="after")
    def _one_photo(self) -> PhotoSource:
        named = (self.bucket is not None) + (self.key is not None)
        if named not in (0, 2) or (self.image is None) != (named == 2):
            raise ValueError(
                "give the photo in exactly one way: as image (base64 in JSON, a file in a form), "
                "or by bucket and key"
            )
        self.check_version()
        return self


class NamablePhoto(PhotoFields):
    """The fields of a photo that may be stored; its bytes may have a name."""

    photo_name: PhotoName | None = Field(
        None,
        description="With `image`: the name by which people recognise the photo, such as that of "
        "its file. It is stored with new faces as their `source`, after `upload://`, and everybody "
        "who may read the collection sees it. The name of a file in a form is not stored.",
    )

    @model_validator(mode="after")
    def _name_of_bytes(self) -> NamablePhoto:
        if self.photo_name is not None and self.image is None:
            raise ValueError("photo_name can be given only with image")
        return self


class FaceChoice(Document):
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
        None, description=f"{OPTION_TEXTS['detector']}; by default `cnn`, the cascade."
    )

    def index_options(self, defaults: GalleryDefaults) -> FaceOptions:
        """Return the options of a job, which stores the faces of photos."""
        return defaults.index_options(**self.chosen())

    def options(self) -> FaceOptions:
        """Return the options of the request; the operation completes them."""
        return FaceOptions(**self.chosen())

    def chosen(self) -> ChosenOptions:
        """Return the options that the request sets."""
        given = self.model_dump(include=set(ChosenOptions.__annotations__), exclude_none=True)
        return cast("ChosenOptions", given)


class LimitedFaces(FaceChoice):
    """A choice of faces for a request that returns nothing but faces."""

    limit: Annotated[int, Field(ge=1, le=MAX_FACES), WHOLE] | None = Field(
        None,
        description="Another name of `max_faces`, so that every request with a photo has a limit. "
        "With both, the lower one counts.",
    )

    def chosen(self) -> ChosenOptions:
        """Return the options that the request sets."""
        given = super().chosen()
        if self.limit is not None:
            given["max_faces"] = min(self.limit, given.get("max_faces") or self.limit)
        return given
