"""Rekognition's operations on collections and their tags."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from facerec.api.rekognition.arns import collection_arn, collection_of
from facerec.api.rekognition.requests import (
    Request,
    page_size,
    paged,
)
from facerec.api.rekognition.shapes import Shape
from facerec.gallery.gallery import Gallery


def create_collection(gallery: Gallery, request: Request) -> Shape:
    """Create a collection, with tags if the request has any."""
    name = request["CollectionId"]
    created = gallery.create_collection(name, tags=request.get("Tags"))
    return {
        "StatusCode": 200,
        "CollectionArn": collection_arn(name),
        "FaceModelVersion": created.model_version,
    }


def describe_collection(gallery: Gallery, request: Request) -> Shape:
    """Return the numbers of faces and users of a collection."""
    summary = gallery.describe_collection(request["CollectionId"])
    return {
        "FaceCount": summary.face_count,
        "FaceModelVersion": summary.collection.model_version,
        "CollectionARN": collection_arn(summary.collection.collection_id),
        "CreationTimestamp": summary.collection.created_at,
        "UserCount": summary.user_count,
    }


def list_collections(
    gallery: Gallery, request: Request, only: AbstractSet[str] | None = None
) -> Shape:
    """Return a page of the collections that the sender may use."""
    page = gallery.list_collections(
        next_token=request.get("NextToken"),
        limit=page_size(request),
        only=only,
    )
    answer: Shape = {
        "CollectionIds": [collection.collection_id for collection in page.collections],
        "FaceModelVersions": [collection.model_version for collection in page.collections],
    }
    return paged(answer, page.next_token)


def delete_collection(gallery: Gallery, request: Request) -> Shape:
    """Delete a collection and everything that belongs to it."""
    gallery.delete_collection(request["CollectionId"])
    return {"StatusCode": 200}


def tag_resource(gallery: Gallery, request: Request) -> Shape:
    """Set tags of a collection.

    Raises:
        RekognitionError: ``ResourceArn`` is not the ARN of a collection.
    """
    gallery.set_tags(collection_of(request["ResourceArn"]), request["Tags"])
    return {}


def untag_resource(gallery: Gallery, request: Request) -> Shape:
    """Remove tags of a collection.

    Raises:
        RekognitionError: ``ResourceArn`` is not the ARN of a collection.
    """
    gallery.remove_tags(collection_of(request["ResourceArn"]), request["TagKeys"])
    return {}


def list_tags_for_resource(gallery: Gallery, request: Request) -> Shape:
    """Return the tags of a collection.

    Raises:
        RekognitionError: ``ResourceArn`` is not the ARN of a collection.
    """
    return {"Tags": gallery.get_tags(collection_of(request["ResourceArn"]))}
