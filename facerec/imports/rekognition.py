"""A collection of Amazon Rekognition, as its API lists it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors
from facerec.core.faces import BoundingBox
from facerec.gallery.importing import KnownFace


@dataclass(frozen=True, slots=True)
class SourceCollection:
    """A collection as a service lists it.

    Attributes:
        faces: Its faces.
        users: Ids of its people, also of those without faces.
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
        AccessDeniedError: The credentials do not allow to list it.
        StoreUnavailableError: Rekognition does not answer.
    """
    with aws_errors("Amazon Rekognition", f"collection {collection_id!r} of Rekognition"):
        users = [user["UserId"] for user in _pages(client, "list_users", "Users", collection_id)]
        listed = list(_pages(client, "list_faces", "Faces", collection_id))
    faces = [
        KnownFace(
            face_id=face["FaceId"],
            image_id=face["ImageId"],
            external_image_id=face.get("ExternalImageId"),
            box=_box(face["BoundingBox"]),
            user_id=face.get("UserId"),
        )
        for face in listed
    ]
    return SourceCollection(tuple(faces), tuple(users))


def _pages(
    client: Any,  # noqa: ANN401 - boto3's
    operation: str,
    member: str,
    collection_id: str,
) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(CollectionId=collection_id):
        yield from page[member]


def _box(shape: dict[str, float]) -> BoundingBox:
    return BoundingBox(shape["Left"], shape["Top"], shape["Width"], shape["Height"])
