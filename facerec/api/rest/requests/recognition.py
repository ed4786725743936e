"""The requests that search, compare and detect the faces of photos."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from facerec.api.rest.requests.fields import WHOLE, CollectionName, ExternalImageId, Share
from facerec.api.rest.requests.photos import (
    ONE_PHOTO,
    FaceChoice,
    LimitedFaces,
    NamablePhoto,
    PhotoSource,
)
from facerec.api.rest.rules import all_of, exactly_one, not_both
from facerec.core.limits import DEFAULT_PAGE, MAX_MATCHES, MAX_PAGE, MAX_PAIRS, MAX_USER_MATCHES
from facerec.core.options import DEFAULT_THRESHOLD, MAX_FACES
from facerec.gallery.defaults import DEFAULT_LIMIT

DOUBTFUL_BELOW = (
    "Similarity below which a face is doubtful; by default the collection's threshold, or a higher "
    "one in a large collection."
)

TARGET_FMR = (
    "The share of searches for a stranger that may have a match that is not doubtful in a "
    "collection of this size. Not with `doubtful_below`."
)


class MatchRequest(FaceChoice, NamablePhoto, PhotoSource):
    """Search a collection for every face of a photo."""

    model_config = ConfigDict(
        json_schema_extra=all_of(
            exactly_one(("image",), ("bucket", "key"), version=("key",), photo_name=("image",)),
            not_both("threshold", "target_fmr"),
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
    target_fmr: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = Field(
        None,
        description="The share of searches for a stranger that may have a match in a collection of "
        "this size. Not with `threshold`.",
    )
    repeat_people: bool = Field(
        False,
        description="Whether several faces of the photo may match one person. By default only the "
        "most similar one does, since a photo shows nobody twice.",
    )
    index: bool = Field(
        False,
        description="Store the faces of this photo too, after the search, also those that were "
        "deleted before. The defaults of its options are then those of `/index`.",
    )
    external_image_id: ExternalImageId | None = Field(
        None, description="Your own name for the photo, if it is stored."
    )


class FindRequest(FaceChoice, PhotoSource):
    """Find all faces of a collection that show the person of a photo."""

    model_config = ConfigDict(
        json_schema_extra=all_of(ONE_PHOTO, not_both("doubtful_below", "target_fmr"))
    )

    collection_id: CollectionName
    face_number: Annotated[int, Field(ge=1, le=MAX_FACES), WHOLE] = Field(
        1, description="Which face of the photo to search for; 1 is the largest."
    )
    doubtful: bool = Field(False, description="Return the doubtful faces instead of the others.")
    doubtful_below: Share | None = Field(None, description=DOUBTFUL_BELOW)
    target_fmr: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = Field(
        None, description=TARGET_FMR
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE), WHOLE] | None = Field(
        None, description=f"Return at most this many faces; by default {DEFAULT_PAGE}."
    )


class MatchPeopleRequest(FaceChoice, PhotoSource):
    """Search for the people whom the largest face of a photo may show."""

    collection_id: CollectionName
    limit: Annotated[int, Field(ge=1, le=MAX_USER_MATCHES), WHOLE] | None = Field(
        None, description=f"Return at most this many people; by default {MAX_USER_MATCHES}."
    )
    threshold: Share | None = Field(
        None,
        description="Minimum similarity of a match; by default the collection's, or else the "
        f"server's setting ({DEFAULT_THRESHOLD}).",
    )


class CompareRequest(FaceChoice):
    """Compare every face of one photo with every face of another."""

    source: PhotoSource
    target: PhotoSource
    limit: Annotated[int, Field(ge=1, le=MAX_PAIRS), WHOLE] | None = Field(
        None, description="Return at most this many pairs, the most similar ones; by default all."
    )

    @model_validator(mode="before")
    @classmethod
    def _two_photos(cls, document: object) -> object:
        if isinstance(document, dict) and not {"source", "target"} <= document.keys():
            raise ValueError(
                "a photo is missing: send source and target as two parts of a form, or both in JSON"
            )
        return document


class DetectRequest(LimitedFaces, PhotoSource):
    """Find the faces of a photo."""

    attributes: bool = Field(
        False,
        description="Estimate age and gender of each face; needs networks that are not part of "
        "facerec.",
    )
