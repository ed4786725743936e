"""Reads the members that requests of several operations have in common."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

from facerec.api.rekognition.attributes import ALL_ATTRIBUTES, ESTIMATED
from facerec.api.rekognition.errors import invalid_parameter
from facerec.api.rekognition.shapes import Shape
from facerec.core.limits import MAX_PAGE
from facerec.core.options import FaceOptions, QualityFilter
from facerec.gallery.gallery import Gallery
from facerec.gallery.photos import Photo, PhotoLocation

Request: TypeAlias = dict[str, Any]


def paged(answer: Shape, next_token: str | None) -> Shape:
    """Return an answer with the token of the next page, if there is a next page."""
    return answer if next_token is None else {**answer, "NextToken": next_token}


def page_size(request: Request) -> int:
    """Return the size of a page: the maximum, unless the request asks for less.

    The default is the maximum because some programs read only one page. 0 means the default.
    """
    return request.get("MaxResults") or MAX_PAGE


def photo_of(image: Shape) -> Photo:
    """Return the photo in an ``Image``, or its address.

    Raises:
        RekognitionError: Both bytes and an object are given, or neither; or the object has no
            bucket or no name.
    """
    if ("Bytes" in image) == ("S3Object" in image):
        raise invalid_parameter("Exactly one of Bytes and S3Object must be given.")
    if "Bytes" in image:
        content: bytes = image["Bytes"]
        return content
    s3_object = image["S3Object"]
    if "Bucket" not in s3_object or "Name" not in s3_object:
        raise invalid_parameter("S3Object needs Bucket and Name.")
    return PhotoLocation.in_bucket(s3_object["Bucket"], s3_object["Name"], s3_object.get("Version"))


def estimates(gallery: Gallery, wanted: AbstractSet[str]) -> bool:
    """Return whether to estimate age and gender.

    A request for all attributes returns those that are available. A request for age or gender fails
    if the networks are not installed.
    """
    if wanted == ALL_ATTRIBUTES:
        return gallery.estimates_attributes
    return bool(wanted & ESTIMATED)


def threshold_of(request: Request, member: str) -> float | None:
    """Return a similarity as a ratio, or None if the request does not set it."""
    percent = request.get(member)
    return None if percent is None else float(percent) / 100


def face_options(request: Request) -> FaceOptions:
    """Return the options of a request with a photo; the operation completes them."""
    quality_filter = request.get("QualityFilter")
    return FaceOptions(
        quality_filter=None if quality_filter is None else QualityFilter(quality_filter)
    )
