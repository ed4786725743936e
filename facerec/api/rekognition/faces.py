"""Rekognition's operations on the faces of collections."""

from __future__ import annotations

from facerec.api.rekognition import shapes
from facerec.api.rekognition.attributes import wanted_attributes
from facerec.api.rekognition.requests import (
    Request,
    estimates,
    face_options,
    page_size,
    paged,
    photo_of,
    threshold_of,
)
from facerec.api.rekognition.shapes import Shape, percent
from facerec.core.options import MAX_FACES, FaceOptions, QualityFilter
from facerec.gallery.collection_results import FailedDeletion
from facerec.gallery.gallery import Gallery


def index_faces(gallery: Gallery, request: Request) -> Shape:
    """Store the faces of a photo; rejected ones are returned in ``UnindexedFaces``.

    Raises:
        RekognitionError: A photo is not given as either bytes or a complete S3 address.
    """
    wanted = wanted_attributes(request.get("DetectionAttributes", ()))
    indexed = gallery.index(
        request["CollectionId"],
        photo_of(request["Image"]),
        external_image_id=request.get("ExternalImageId"),
        options=FaceOptions(
            max_faces=min(request["MaxFaces"], MAX_FACES) if "MaxFaces" in request else None,
            # Rekognition's default, whatever filter the deployment has
            quality_filter=QualityFilter(request.get("QualityFilter", QualityFilter.AUTO)),
        ),
        attributes=estimates(gallery, wanted),
    )
    attributes = {face.box: face.attributes for face in indexed.photo.faces}
    return {
        "FaceRecords": [
            {
                "Face": shapes.listed_face(face),
                "FaceDetail": shapes.face_detail(face.record)
                | shapes.attributes(attributes.get(face.record.box), wanted),
            }
            for face in indexed.faces
        ],
        "FaceModelVersion": gallery.model_version,
        "UnindexedFaces": [
            {
                "Reasons": [reason.value for reason in face.reasons],
                "FaceDetail": shapes.face_detail(face) | shapes.attributes(face.attributes, wanted),
            }
            for face in indexed.photo.rejected
        ],
    }


def list_faces(gallery: Gallery, request: Request) -> Shape:
    """Return a page of a collection's faces, or of a user's."""
    page = gallery.list_faces(
        request["CollectionId"],
        next_token=request.get("NextToken"),
        limit=page_size(request),
        user_id=request.get("UserId"),
        face_ids=request.get("FaceIds"),
    )
    answer: Shape = {
        "Faces": [shapes.listed_face(face) for face in page.faces],
        "FaceModelVersion": page.model_version,
    }
    return paged(answer, page.next_token)


def delete_faces(gallery: Gallery, request: Request) -> Shape:
    """Delete faces; faces that belong to a user are refused."""
    deletion = gallery.delete_faces(request["CollectionId"], request["FaceIds"])
    return {
        "DeletedFaces": list(deletion.deleted),
        "UnsuccessfulFaceDeletions": [_failed_deletion(failure) for failure in deletion.failed],
    }


def search_faces(gallery: Gallery, request: Request) -> Shape:
    """Search for faces that resemble a stored face."""
    found = gallery.search_face(
        request["CollectionId"],
        request["FaceId"],
        limit=request.get("MaxFaces"),
        threshold=threshold_of(request, "FaceMatchThreshold"),
    )
    return {
        "SearchedFaceId": request["FaceId"],
        "FaceMatches": [shapes.face_match(match) for match in found.matches],
        "FaceModelVersion": found.model_version,
    }


def search_faces_by_image(gallery: Gallery, request: Request) -> Shape:
    """Search for faces that resemble the largest face of a photo.

    Raises:
        RekognitionError: A photo is not given as either bytes or a complete S3 address.
    """
    found = gallery.search(
        request["CollectionId"],
        photo_of(request["Image"]),
        limit=request.get("MaxFaces"),
        threshold=threshold_of(request, "FaceMatchThreshold"),
        options=face_options(request),
        largest_only=True,
    )
    (largest,) = found.faces
    return {
        "SearchedFaceBoundingBox": shapes.bounding_box(largest.face.box),
        "SearchedFaceConfidence": percent(largest.face.confidence),
        "FaceMatches": [shapes.face_match(match) for match in largest.matches],
        "FaceModelVersion": found.model_version,
        "Decision": largest.decision.value,
    }


def _failed_deletion(failure: FailedDeletion) -> Shape:
    shape: Shape = {"FaceId": failure.face_id, "Reasons": [failure.reason.value]}
    return shape if failure.user_id is None else {**shape, "UserId": failure.user_id}
