"""Rekognition's operations by name: requests become calls of the gallery, results become shapes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, TypeAlias

from facerec.api.rekognition import shapes
from facerec.api.rekognition.arns import collection_arn, collection_of
from facerec.api.rekognition.attributes import ALL_ATTRIBUTES, ESTIMATED, wanted_attributes
from facerec.api.rekognition.errors import invalid_parameter
from facerec.api.rekognition.shapes import Shape, percent
from facerec.core.limits import MAX_PAGE, MAX_USER_MATCHES, MAX_USER_PAGE
from facerec.core.options import MAX_FACES, FaceOptions, QualityFilter
from facerec.core.photos import DetectedFace
from facerec.gallery.associations import AssociationOutcome
from facerec.gallery.faces import FailedDeletion
from facerec.gallery.gallery import Gallery
from facerec.gallery.photos import Photo, PhotoLocation
from facerec.gallery.user_operations import ASSOCIATION_THRESHOLD

Request: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[Gallery, Request], Shape]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the protocol.

    Attributes:
        answer: Returns the answer to a validated request.
        writes: Whether it changes anything.
        cpu_bound: Whether it finds faces in photos, and so occupies a processor.
    """

    answer: Answer
    writes: bool = False
    cpu_bound: bool = False


def _create_collection(gallery: Gallery, request: Request) -> Shape:
    name = request["CollectionId"]
    created = gallery.create_collection(name, tags=request.get("Tags"))
    return {
        "StatusCode": 200,
        "CollectionArn": collection_arn(name),
        "FaceModelVersion": created.model_version,
    }


def _describe_collection(gallery: Gallery, request: Request) -> Shape:
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
    """Answer ListCollections for a sender who may see some collections only, None for all."""
    page = gallery.list_collections(
        next_token=request.get("NextToken"),
        limit=_page_size(request),
        only=only,
    )
    answer: Shape = {
        "CollectionIds": [collection.collection_id for collection in page.collections],
        "FaceModelVersions": [collection.model_version for collection in page.collections],
    }
    return _paged(answer, page.next_token)


def _delete_collection(gallery: Gallery, request: Request) -> Shape:
    gallery.delete_collection(request["CollectionId"])
    return {"StatusCode": 200}


def _index_faces(gallery: Gallery, request: Request) -> Shape:
    wanted = wanted_attributes(request.get("DetectionAttributes", ()))
    indexed = gallery.index(
        request["CollectionId"],
        _photo(request["Image"]),
        external_image_id=request.get("ExternalImageId"),
        options=gallery.defaults.index_options(
            max_faces=min(request["MaxFaces"], MAX_FACES) if "MaxFaces" in request else None,
            # Rekognition's default, whatever filter the deployment has
            quality_filter=QualityFilter(request.get("QualityFilter", QualityFilter.AUTO)),
        ),
        attributes=_estimates(gallery, wanted),
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
                "FaceDetail": shapes.face_detail(face),
            }
            for face in indexed.photo.rejected
        ],
    }


def _list_faces(gallery: Gallery, request: Request) -> Shape:
    page = gallery.list_faces(
        request["CollectionId"],
        next_token=request.get("NextToken"),
        limit=_page_size(request),
        user_id=request.get("UserId"),
        face_ids=request.get("FaceIds"),
    )
    answer: Shape = {
        "Faces": [shapes.listed_face(face) for face in page.faces],
        "FaceModelVersion": page.model_version,
    }
    return _paged(answer, page.next_token)


def _delete_faces(gallery: Gallery, request: Request) -> Shape:
    deletion = gallery.delete_faces(request["CollectionId"], request["FaceIds"])
    return {
        "DeletedFaces": list(deletion.deleted),
        "UnsuccessfulFaceDeletions": [_failed_deletion(failure) for failure in deletion.failed],
    }


def _search_faces(gallery: Gallery, request: Request) -> Shape:
    found = gallery.search_face(
        request["CollectionId"],
        request["FaceId"],
        limit=request.get("MaxFaces"),
        threshold=_threshold(request, "FaceMatchThreshold"),
    )
    return {
        "SearchedFaceId": request["FaceId"],
        "FaceMatches": [shapes.face_match(match) for match in found.matches],
        "FaceModelVersion": found.model_version,
    }


def _search_faces_by_image(gallery: Gallery, request: Request) -> Shape:
    found = gallery.search(
        request["CollectionId"],
        _photo(request["Image"]),
        limit=request.get("MaxFaces"),
        threshold=_threshold(request, "FaceMatchThreshold"),
        options=_probe_options(gallery, request),
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


def _compare_faces(gallery: Gallery, request: Request) -> Shape:
    threshold = _threshold(request, "SimilarityThreshold")
    if threshold is None:
        threshold = gallery.defaults.threshold
    compared = gallery.compare(
        _photo(request["SourceImage"]),
        _photo(request["TargetImage"]),
        options=_probe_options(gallery, request),
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


def _detect_faces(gallery: Gallery, request: Request) -> Shape:
    wanted = wanted_attributes(request.get("Attributes", ()))
    found = gallery.detect(
        _photo(request["Image"]),
        options=_probe_options(gallery, request),
        attributes=_estimates(gallery, wanted),
    )
    return {
        "FaceDetails": [
            shapes.face_detail(face) | shapes.attributes(face.attributes, wanted)
            for face in found.faces
        ],
        "ModelId": gallery.model_version,
    }


def _create_user(gallery: Gallery, request: Request) -> Shape:
    gallery.create_user(request["CollectionId"], request["UserId"])
    return {}


def _delete_user(gallery: Gallery, request: Request) -> Shape:
    gallery.delete_user(request["CollectionId"], request["UserId"])
    return {}


def _list_users(gallery: Gallery, request: Request) -> Shape:
    page = gallery.list_users(
        request["CollectionId"],
        next_token=request.get("NextToken"),
        limit=request.get("MaxResults", MAX_USER_PAGE),
    )
    return _paged({"Users": [shapes.user(user) for user in page.users]}, page.next_token)


def _associate_faces(gallery: Gallery, request: Request) -> Shape:
    threshold = _threshold(request, "UserMatchThreshold")
    outcome = gallery.associate_faces(
        request["CollectionId"],
        request["UserId"],
        request["FaceIds"],
        threshold=ASSOCIATION_THRESHOLD if threshold is None else threshold,
    )
    return _associations(outcome, "AssociatedFaces", "UnsuccessfulFaceAssociations")


def _disassociate_faces(gallery: Gallery, request: Request) -> Shape:
    outcome = gallery.disassociate_faces(
        request["CollectionId"], request["UserId"], request["FaceIds"]
    )
    return _associations(outcome, "DisassociatedFaces", "UnsuccessfulFaceDisassociations")


def _search_users(gallery: Gallery, request: Request) -> Shape:
    if ("UserId" in request) == ("FaceId" in request):
        raise invalid_parameter("Exactly one of UserId and FaceId must be given.")
    limit = request.get("MaxUsers", MAX_USER_MATCHES)
    threshold = _threshold(request, "UserMatchThreshold")
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


def _search_users_by_image(gallery: Gallery, request: Request) -> Shape:
    found = gallery.search_users_by_photo(
        request["CollectionId"],
        _photo(request["Image"]),
        limit=request.get("MaxUsers", MAX_USER_MATCHES),
        threshold=_threshold(request, "UserMatchThreshold"),
        options=_probe_options(gallery, request),
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


def _tag_resource(gallery: Gallery, request: Request) -> Shape:
    gallery.set_tags(collection_of(request["ResourceArn"]), request["Tags"])
    return {}


def _untag_resource(gallery: Gallery, request: Request) -> Shape:
    gallery.remove_tags(collection_of(request["ResourceArn"]), request["TagKeys"])
    return {}


def _list_tags_for_resource(gallery: Gallery, request: Request) -> Shape:
    return {"Tags": gallery.get_tags(collection_of(request["ResourceArn"]))}


OPERATIONS = {
    "AssociateFaces": Operation(_associate_faces, writes=True),
    "CompareFaces": Operation(_compare_faces, cpu_bound=True),
    "CreateCollection": Operation(_create_collection, writes=True),
    "CreateUser": Operation(_create_user, writes=True),
    "DeleteCollection": Operation(_delete_collection, writes=True),
    "DeleteFaces": Operation(_delete_faces, writes=True),
    "DeleteUser": Operation(_delete_user, writes=True),
    "DescribeCollection": Operation(_describe_collection),
    "DetectFaces": Operation(_detect_faces, cpu_bound=True),
    "DisassociateFaces": Operation(_disassociate_faces, writes=True),
    "IndexFaces": Operation(_index_faces, writes=True, cpu_bound=True),
    "ListCollections": Operation(list_collections),
    "ListFaces": Operation(_list_faces),
    "ListTagsForResource": Operation(_list_tags_for_resource),
    "ListUsers": Operation(_list_users),
    "SearchFaces": Operation(_search_faces),
    "SearchFacesByImage": Operation(_search_faces_by_image, cpu_bound=True),
    "SearchUsers": Operation(_search_users),
    "SearchUsersByImage": Operation(_search_users_by_image, cpu_bound=True),
    "TagResource": Operation(_tag_resource, writes=True),
    "UntagResource": Operation(_untag_resource, writes=True),
}


def _paged(answer: Shape, next_token: str | None) -> Shape:
    """Return an answer with the token of the next page; the last page has none."""
    return answer if next_token is None else {**answer, "NextToken": next_token}


def _page_size(request: Request) -> int:
    """Return the size of a page: as large as Rekognition's unless the request wants less.

    Some programs read only one page. The model allows 0, which means the default.
    """
    return request.get("MaxResults") or MAX_PAGE


def _photo(image: Shape) -> Photo:
    if ("Bytes" in image) == ("S3Object" in image):
        raise invalid_parameter("Exactly one of Bytes and S3Object must be given.")
    if "Bytes" in image:
        content: bytes = image["Bytes"]
        return content
    s3_object = image["S3Object"]
    if "Bucket" not in s3_object or "Name" not in s3_object:
        raise invalid_parameter("S3Object needs Bucket and Name.")
    return PhotoLocation.in_bucket(s3_object["Bucket"], s3_object["Name"], s3_object.get("Version"))


def _estimates(gallery: Gallery, wanted: AbstractSet[str]) -> bool:
    """Return whether to estimate age and gender.

    Who asks for all attributes gets those that there are. Who asks for age or gender gets an error
    where the networks are not installed.
    """
    if wanted == ALL_ATTRIBUTES:
        return gallery.estimates_attributes
    return bool(wanted & ESTIMATED)


def _threshold(request: Request, member: str) -> float | None:
    """Return a similarity as a ratio; None where the request leaves it to the gallery."""
    percent = request.get(member)
    return None if percent is None else float(percent) / 100


def _probe_options(gallery: Gallery, request: Request) -> FaceOptions:
    quality_filter = request.get("QualityFilter")
    return gallery.defaults.probe_options(
        quality_filter=None if quality_filter is None else QualityFilter(quality_filter)
    )


def _failed_deletion(failure: FailedDeletion) -> Shape:
    shape: Shape = {"FaceId": failure.face_id, "Reasons": [failure.reason.value]}
    return shape if failure.user_id is None else {**shape, "UserId": failure.user_id}


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
