"""Rekognition's operations by name: what each reads from a request and says in its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from facerec.api.rekognition import shapes
from facerec.api.rekognition.arns import collection_arn, collection_of
from facerec.api.rekognition.faults import invalid_parameter
from facerec.api.rekognition.shapes import Shape, percent
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import DetectedFace
from facerec.errors import NoFaceError
from facerec.gallery.service import (
    collections,
    comparing,
    faces,
    indexing,
    people,
    searching,
    tags,
)
from facerec.gallery.service.looking import CONFIDENCE_UNFILTERED, MOST_FACES, probe_options
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import NamedPhoto, Photo, SentPhoto
from facerec.gallery.users import AssociationOutcome
from facerec.storage.checks import MOST_NEIGHBOURS

Request: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[Parts, Request], Shape]

LARGEST_PAGE = 4096
LARGEST_USER_PAGE = 500

SEARCH_THRESHOLD = 80.0
"""Percent, of searches and comparisons that do not say."""

ASSOCIATION_THRESHOLD = 75.0
"""Percent, of ``AssociateFaces`` requests that do not say."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the protocol.

    Attributes:
        answer: returns the answer to a validated request.
        writes: whether it changes anything.
        looks: whether it looks at photos.
    """

    answer: Answer
    writes: bool = False
    looks: bool = False


def _create_collection(parts: Parts, request: Request) -> Shape:
    name = request["CollectionId"]
    made = collections.create_collection(parts, name, request.get("Tags"))
    return {
        "StatusCode": 200,
        "CollectionArn": collection_arn(name),
        "FaceModelVersion": made.model_version,
    }


def _describe_collection(parts: Parts, request: Request) -> Shape:
    found = collections.describe_collection(parts, request["CollectionId"])
    return {
        "FaceCount": found.faces,
        "FaceModelVersion": found.collection.model_version,
        "CollectionARN": collection_arn(found.collection.collection_id),
        "CreationTimestamp": found.collection.created_at,
        "UserCount": found.users,
    }


def _list_collections(parts: Parts, request: Request) -> Shape:
    page = collections.list_collections(
        parts, request.get("NextToken"), request.get("MaxResults") or LARGEST_PAGE
    )
    return {
        "CollectionIds": [found.collection_id for found in page.collections],
        "FaceModelVersions": [found.model_version for found in page.collections],
        "NextToken": page.next_token,
    }


def _delete_collection(parts: Parts, request: Request) -> Shape:
    collections.delete_collection(parts, request["CollectionId"])
    return {"StatusCode": 200}


def _index_faces(parts: Parts, request: Request) -> Shape:
    most = min(request.get("MaxFaces", MOST_FACES), MOST_FACES)
    indexed = indexing.index_photo(
        parts,
        request["CollectionId"],
        _photo(request["Image"]),
        external_image_id=request.get("ExternalImageId"),
        options=replace(_options(parts, request, QualityFilter.AUTO), max_faces=most),
    )
    listed = faces.with_users(parts, request["CollectionId"], indexed.faces)
    return {
        "FaceRecords": [
            {"Face": shapes.listed_face(face), "FaceDetail": shapes.face_detail(face.record)}
            for face in listed
        ],
        "FaceModelVersion": parts.engine.model_version,
        "UnindexedFaces": [
            {
                "Reasons": [reason.value for reason in face.reasons],
                "FaceDetail": shapes.face_detail(face),
            }
            for face in indexed.photo.rejected
        ],
    }


def _list_faces(parts: Parts, request: Request) -> Shape:
    page = faces.list_faces(
        parts,
        request["CollectionId"],
        request.get("NextToken"),
        request.get("MaxResults") or LARGEST_PAGE,
        user_id=request.get("UserId"),
        face_ids=request.get("FaceIds"),
    )
    return {
        "Faces": [shapes.listed_face(face) for face in page.faces],
        "NextToken": page.next_token,
        "FaceModelVersion": page.model_version,
    }


def _delete_faces(parts: Parts, request: Request) -> Shape:
    outcome = faces.delete_faces(parts, request["CollectionId"], request["FaceIds"])
    return {
        "DeletedFaces": outcome.deleted,
        "UnsuccessfulFaceDeletions": [
            {"FaceId": face.face_id, "Reasons": ["FACE_NOT_FOUND"]}
            if face.user_id is None
            else {
                "FaceId": face.face_id,
                "UserId": face.user_id,
                "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"],
            }
            for face in outcome.undeleted
        ],
    }


def _search_faces(parts: Parts, request: Request) -> Shape:
    found = searching.match_face(
        parts,
        request["CollectionId"],
        request["FaceId"],
        top=request.get("MaxFaces", MOST_NEIGHBOURS),
        min_similarity=_threshold(request, "FaceMatchThreshold"),
    )
    return {
        "SearchedFaceId": request["FaceId"],
        "FaceMatches": [shapes.face_match(match, found.user_ids) for match in found.matches],
        "FaceModelVersion": found.model_version,
    }


def _search_faces_by_image(parts: Parts, request: Request) -> Shape:
    matched = searching.match_photo(
        parts,
        request["CollectionId"],
        _photo(request["Image"]),
        top=request.get("MaxFaces", MOST_NEIGHBOURS),
        min_similarity=_threshold(request, "FaceMatchThreshold"),
        options=_options(parts, request),
        largest_only=True,
    )
    if not matched.searched:
        raise NoFaceError("there is no face in the image, or none that the filter accepts")
    (largest,) = matched.searched
    return {
        "SearchedFaceBoundingBox": shapes.bounding_box(largest.face.box),
        "SearchedFaceConfidence": percent(largest.face.confidence),
        "FaceMatches": [shapes.face_match(match, matched.user_ids) for match in largest.matches],
        "FaceModelVersion": matched.model_version,
        "Decision": largest.decision.value,
    }


def _compare_faces(parts: Parts, request: Request) -> Shape:
    threshold = _threshold(request, "SimilarityThreshold")
    compared = comparing.compare_photos(
        parts,
        _photo(request["SourceImage"]),
        _photo(request["TargetImage"]),
        _options(parts, request),
    )
    largest = compared.source.faces[0]
    pairs = [pair for pair in compared.pairs if pair.source == 0]
    targets = compared.target.faces
    return {
        "SourceImageFace": {
            "BoundingBox": shapes.bounding_box(largest.box),
            "Confidence": percent(largest.confidence),
        },
        "FaceMatches": [
            {
                "Similarity": percent(pair.similarity),
                "Distance": pair.distance,
                "Face": shapes.face_detail(targets[pair.target]),
            }
            for pair in pairs
            if pair.similarity >= threshold
        ],
        "UnmatchedFaces": [
            shapes.face_detail(targets[pair.target])
            for pair in pairs
            if pair.similarity < threshold
        ],
        "ModelId": compared.model_version,
    }


def _detect_faces(parts: Parts, request: Request) -> Shape:
    found = comparing.detect_faces(parts, _photo(request["Image"]), _options(parts, request))
    return {
        "FaceDetails": [shapes.face_detail(face) for face in found.faces],
        "ModelId": parts.engine.model_version,
    }


def _create_user(parts: Parts, request: Request) -> Shape:
    people.create_user(parts, request["CollectionId"], request["UserId"])
    return {}


def _delete_user(parts: Parts, request: Request) -> Shape:
    people.delete_user(parts, request["CollectionId"], request["UserId"])
    return {}


def _list_users(parts: Parts, request: Request) -> Shape:
    page = people.list_users(
        parts,
        request["CollectionId"],
        request.get("NextToken"),
        request.get("MaxResults", LARGEST_USER_PAGE),
    )
    return {"Users": [shapes.user(user) for user in page.users], "NextToken": page.next_token}


def _associate_faces(parts: Parts, request: Request) -> Shape:
    outcome = people.associate_faces(
        parts,
        request["CollectionId"],
        request["UserId"],
        request["FaceIds"],
        min_similarity=_threshold(request, "UserMatchThreshold", ASSOCIATION_THRESHOLD),
    )
    return _associations(outcome, "AssociatedFaces", "UnsuccessfulFaceAssociations")


def _disassociate_faces(parts: Parts, request: Request) -> Shape:
    outcome = people.disassociate_faces(
        parts, request["CollectionId"], request["UserId"], request["FaceIds"]
    )
    return _associations(outcome, "DisassociatedFaces", "UnsuccessfulFaceDisassociations")


def _search_users(parts: Parts, request: Request) -> Shape:
    if ("UserId" in request) == ("FaceId" in request):
        raise invalid_parameter("Exactly one of UserId and FaceId must be given.")
    top = request.get("MaxUsers", LARGEST_USER_PAGE)
    threshold = _threshold(request, "UserMatchThreshold")
    name = request["CollectionId"]
    if "FaceId" in request:
        face_id = request["FaceId"]
        found = people.users_like_face(parts, name, face_id, top=top, min_similarity=threshold)
        searched: Shape = {"SearchedFace": {"FaceId": face_id}}
    else:
        user_id = request["UserId"]
        found = people.users_like_user(parts, name, user_id, top=top, min_similarity=threshold)
        searched = {"SearchedUser": {"UserId": user_id}}
    return {
        "UserMatches": [shapes.user_match(match) for match in found.matches],
        "FaceModelVersion": found.model_version,
        **searched,
    }


def _search_users_by_image(parts: Parts, request: Request) -> Shape:
    found = people.users_like_photo(
        parts,
        request["CollectionId"],
        _photo(request["Image"]),
        top=request.get("MaxUsers", LARGEST_USER_PAGE),
        min_similarity=_threshold(request, "UserMatchThreshold"),
        options=_options(parts, request),
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


def _tag_resource(parts: Parts, request: Request) -> Shape:
    tags.set_tags(parts, collection_of(request["ResourceArn"]), request["Tags"])
    return {}


def _untag_resource(parts: Parts, request: Request) -> Shape:
    tags.remove_tags(parts, collection_of(request["ResourceArn"]), request["TagKeys"])
    return {}


def _list_tags_for_resource(parts: Parts, request: Request) -> Shape:
    return {"Tags": tags.get_tags(parts, collection_of(request["ResourceArn"]))}


OPERATIONS = {
    "AssociateFaces": Operation(_associate_faces, writes=True),
    "CompareFaces": Operation(_compare_faces, looks=True),
    "CreateCollection": Operation(_create_collection, writes=True),
    "CreateUser": Operation(_create_user, writes=True),
    "DeleteCollection": Operation(_delete_collection, writes=True),
    "DeleteFaces": Operation(_delete_faces, writes=True),
    "DeleteUser": Operation(_delete_user, writes=True),
    "DescribeCollection": Operation(_describe_collection),
    "DetectFaces": Operation(_detect_faces, looks=True),
    "DisassociateFaces": Operation(_disassociate_faces, writes=True),
    "IndexFaces": Operation(_index_faces, writes=True, looks=True),
    "ListCollections": Operation(_list_collections),
    "ListFaces": Operation(_list_faces),
    "ListTagsForResource": Operation(_list_tags_for_resource),
    "ListUsers": Operation(_list_users),
    "SearchFaces": Operation(_search_faces),
    "SearchFacesByImage": Operation(_search_faces_by_image, looks=True),
    "SearchUsers": Operation(_search_users),
    "SearchUsersByImage": Operation(_search_users_by_image, looks=True),
    "TagResource": Operation(_tag_resource, writes=True),
    "UntagResource": Operation(_untag_resource, writes=True),
}


def _photo(image: Shape) -> Photo:
    if ("Bytes" in image) == ("S3Object" in image):
        raise invalid_parameter("Exactly one of Bytes and S3Object must be given.")
    if "Bytes" in image:
        return SentPhoto(image["Bytes"])
    place = image["S3Object"]
    if "Bucket" not in place or "Name" not in place:
        raise invalid_parameter("S3Object needs Bucket and Name.")
    return NamedPhoto(place["Bucket"], place["Name"], place.get("Version"))


def _threshold(request: Request, member: str, default: float = SEARCH_THRESHOLD) -> float:
    return float(request.get(member, default)) / 100


def _options(
    parts: Parts, request: Request, default: QualityFilter = QualityFilter.NONE
) -> FaceOptions:
    quality_filter = QualityFilter(request.get("QualityFilter", default))
    confidence = parts.options.min_confidence
    if quality_filter is QualityFilter.NONE:
        confidence = min(confidence, CONFIDENCE_UNFILTERED)
    return probe_options(parts, quality_filter, confidence)


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
