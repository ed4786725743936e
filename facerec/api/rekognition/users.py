"""Rekognition's operations on users."""

from __future__ import annotations

from facerec.api.rekognition import shapes
from facerec.api.rekognition.errors import invalid_parameter
from facerec.api.rekognition.requests import (
    Request,
    face_options,
    paged,
    photo_of,
    threshold_of,
)
from facerec.api.rekognition.shapes import Shape, percent
from facerec.core.limits import MAX_USER_MATCHES, MAX_USER_PAGE
from facerec.core.photos import DetectedFace
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.associations import AssociationOutcome


def create_user(gallery: Gallery, request: Request) -> Shape:
    """Create a user without faces."""
    gallery.create_user(request["CollectionId"], request["UserId"])
    return {}


def delete_user(gallery: Gallery, request: Request) -> Shape:
    """Delete a user; the faces stay in the collection."""
    gallery.delete_user(request["CollectionId"], request["UserId"])
    return {}


def list_users(gallery: Gallery, request: Request) -> Shape:
    """Return a page of a collection's users."""
    page = gallery.list_users(
        request["CollectionId"],
        next_token=request.get("NextToken"),
        limit=request.get("MaxResults", MAX_USER_PAGE),
    )
    return paged({"Users": [shapes.user(user) for user in page.users]}, page.next_token)


def associate_faces(gallery: Gallery, request: Request) -> Shape:
    """Associate faces with a user; refused faces are returned with the reasons."""
    threshold = threshold_of(request, "UserMatchThreshold")
    outcome = gallery.associate_faces(
        request["CollectionId"],
        request["UserId"],
        request["FaceIds"],
        min_similarity=ASSOCIATION_THRESHOLD if threshold is None else threshold,
    )
    return _associations(outcome, "AssociatedFaces", "UnsuccessfulFaceAssociations")


def disassociate_faces(gallery: Gallery, request: Request) -> Shape:
    """Disassociate faces from a user; refused faces are returned with the reasons."""
    outcome = gallery.disassociate_faces(
        request["CollectionId"], request["UserId"], request["FaceIds"]
    )
    return _associations(outcome, "DisassociatedFaces", "UnsuccessfulFaceDisassociations")


def search_users(gallery: Gallery, request: Request) -> Shape:
    """Search for the users who resemble a stored face or another user.

    Raises:
        RekognitionError: Both a face and a user are given, or neither.
    """
    if ("UserId" in request) == ("FaceId" in request):
        raise invalid_parameter("Exactly one of UserId and FaceId must be given.")
    limit = request.get("MaxUsers", MAX_USER_MATCHES)
    threshold = threshold_of(request, "UserMatchThreshold")
    name = request["CollectionId"]
    if "FaceId" in request:
        face_id = request["FaceId"]
        found = gallery.search_users_by_face(name, face_id, limit=limit, threshold=threshold)
        searched: Shape = {"SearchedFace": {"FaceId": face_id}}
    else:
        user_id = request["UserId"]
        found = gallery.search_users_by_user(name, user_id, limit=limit, threshold=threshold)
        searched = {"SearchedUser": {"UserId": user_id}}
    return {
        "UserMatches": [shapes.user_match(match) for match in found.matches],
        "FaceModelVersion": found.model_version,
        **searched,
    }


def search_users_by_image(gallery: Gallery, request: Request) -> Shape:
    """Search for the users who resemble the largest face of a photo.

    Raises:
        RekognitionError: A photo is not given as either bytes or a complete S3 address.
    """
    found = gallery.search_users_by_photo(
        request["CollectionId"],
        photo_of(request["Image"]),
        limit=request.get("MaxUsers", MAX_USER_MATCHES),
        threshold=threshold_of(request, "UserMatchThreshold"),
        options=face_options(request),
        allow_no_face=True,
    )
    answer: Shape = {
        "UserMatches": [shapes.user_match(match) for match in found.matches],
        "FaceModelVersion": found.model_version,
        "UnsearchedFaces": [_unsearched(face, ["FACE_NOT_LARGEST"]) for face in found.smaller]
        + [_unsearched(face, [why.value for why in face.reasons]) for face in found.rejected],
    }
    if found.face is not None:
        answer["SearchedFace"] = {"FaceDetail": shapes.face_detail(found.face)}
    return answer


def _associations(outcome: AssociationOutcome, changed: str, failed: str) -> Shape:
    return {
        changed: [{"FaceId": face_id} for face_id in outcome.changed],
        failed: [
            {
                "FaceId": failure.face_id,
                "Reasons": [reason.value for reason in failure.reasons],
                **({} if failure.user_id is None else {"UserId": failure.user_id}),
                **(
                    {}
                    if failure.similarity is None
                    else {"Confidence": percent(failure.similarity)}
                ),
            }
            for failure in outcome.failed
        ],
        "UserStatus": outcome.status.value,
    }


def _unsearched(face: DetectedFace, reasons: list[str]) -> Shape:
    return {"FaceDetails": shapes.face_detail(face), "Reasons": reasons}
