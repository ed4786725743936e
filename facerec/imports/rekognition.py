"""Reads a collection of Amazon Rekognition through its API."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from facerec.core.aws_errors import aws_errors
from facerec.core.faces import BoundingBox
from facerec.core.ids import checked_face_id
from facerec.core.names import checked_external_image_id, checked_user_id
from facerec.errors import AccessDeniedError, InvalidInputError, StoreUnavailableError
from facerec.gallery.transfer.importing import KnownFace

Item = TypeVar("Item")

_THROTTLED = ("ThrottlingException", "ProvisionedThroughputExceededException")
"""Error codes of throttling
(https://docs.aws.amazon.com/rekognition/latest/dg/error-handling.html)."""


@dataclass(frozen=True, slots=True)
class SourceCollection:
    """A collection as a service lists it.

    Attributes:
        faces: Faces of the collection.
        users: Ids of the collection's people, including people without faces.
    """

    faces: tuple[KnownFace, ...]
    users: tuple[str, ...]


def read_collection(client: Any, collection_id: str) -> SourceCollection:  # noqa: ANN401 - boto3's
    """Read the faces and people of a collection.

    Args:
        client: A boto3 client of Rekognition.
        collection_id: Id of the collection there.

    Raises:
        NotFoundError: The collection does not exist there.
        AccessDeniedError: The credentials do not allow listing the collection.
        NoCredentialsError: There are no AWS credentials.
        StoreUnavailableError: Rekognition does not respond, or throttles requests.
        InvalidInputError: The server refuses the request, or does not respond like Rekognition.
    """
    resource = f"collection {collection_id!r} of Rekognition"
    unknown = InvalidInputError(
        "the server does not respond like Rekognition", "check the address of the endpoint"
    )
    refused = InvalidInputError(
        f"the server refuses to list {resource}", "check the name and the endpoint"
    )
    denied = AccessDeniedError(
        resource,
        hint="the credentials need rekognition:ListFaces and rekognition:ListUsers",
    )
    throttled = StoreUnavailableError(
        "Rekognition throttles the requests", "run the import again later to resume it"
    )
    codes = dict.fromkeys(_THROTTLED, throttled) | {"AccessDeniedException": denied}
    try:
        with aws_errors("Amazon Rekognition", resource, refused=refused, codes=codes):
            users = tuple(_pages(client, "list_users", "Users", collection_id, _user))
            # one page in memory at a time
            faces = tuple(_pages(client, "list_faces", "Faces", collection_id, _face))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unknown from error
    return SourceCollection(faces, users)


def _pages(
    client: Any,  # noqa: ANN401 - boto3's
    operation: str,
    member: str,
    collection_id: str,
    read: Callable[[dict[str, Any]], Item],
) -> Iterator[Item]:
    for page in client.get_paginator(operation).paginate(CollectionId=collection_id):
        yield from map(read, page[member])


def _user(user: dict[str, Any]) -> str:
    return checked_user_id(user["UserId"])


def _face(face: dict[str, Any]) -> KnownFace:
    shape = face["BoundingBox"]
    sides = [float(shape[side]) for side in ("Left", "Top", "Width", "Height")]
    if not all(map(math.isfinite, sides)):
        raise ValueError("a coordinate of a box is not finite")
    name, user_id = face.get("ExternalImageId"), face.get("UserId")
    return KnownFace(
        face_id=checked_face_id(face["FaceId"]),
        image_id=checked_face_id(face["ImageId"]),
        external_image_id=None if name is None else checked_external_image_id(name),
        box=BoundingBox(*sides),
        user_id=None if user_id is None else checked_user_id(user_id),
    )
