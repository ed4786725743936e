"""Rekognition's protocol as a door: over HTTP, and through the Lambda function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from facerec import errors
from facerec.gallery.gallery import Gallery
from facerec.gallery.operations.retention import RETENTION_TAG
from tests.support.doors.base import Change, Door, DoorError, Found, FoundUser, Page, rounded
from tests.support.gateway_events import rest_event

Function: TypeAlias = Callable[[dict[str, Any], object], dict[str, Any]]
ONE_TRY = Config(retries={"total_max_attempts": 1})


class RekognitionDoor(Door):
    """Rekognition's protocol, spoken by boto3's own client."""

    errors: ClassVar = {
        errors.InvalidInputError: {"InvalidParameterException", "ValidationException"},
        errors.InvalidPageTokenError: "InvalidPaginationTokenException",
        errors.ConflictError: "ConflictException",
        errors.RequestMismatchError: "IdempotentParameterMismatchException",
        errors.UserExistsError: "ConflictException",
        errors.UserNotFoundError: "ResourceNotFoundException",
        errors.CollectionExistsError: "ResourceAlreadyExistsException",
        errors.CollectionNotFoundError: "ResourceNotFoundException",
        errors.FaceInUseError: "ASSOCIATED_TO_AN_EXISTING_USER",
        # a reason where some of the faces may exist
        errors.FaceNotFoundError: {"FACE_NOT_FOUND", "InvalidParameterException"},
        errors.ModelMismatchError: "InvalidParameterException",
        errors.NoFaceError: "InvalidParameterException",
        errors.PhotoTooLargeError: "ImageTooLargeException",
        errors.UnreadablePhotoError: "InvalidImageFormatException",
    }

    def __init__(
        self, gallery: Gallery, data: Path, jobs_root: str, client: BaseClient | None = None
    ) -> None:
        super().__init__(gallery, data, jobs_root)
        self._client = client

    def create_collection(self, name: str) -> str:
        created = self._call("create_collection", CollectionId=name)
        return str(created["FaceModelVersion"])

    def list_collections(self) -> list[str]:
        return list(self._call("list_collections")["CollectionIds"])

    def describe_collection(self, name: str) -> tuple[int, int]:
        described = self._call("describe_collection", CollectionId=name)
        return described["FaceCount"], described["UserCount"]

    def delete_collection(self, name: str) -> None:
        self._call("delete_collection", CollectionId=name)

    def list_faces(self, name: str, user_id: str | None = None) -> list[tuple[str, str | None]]:
        listed = self._call("list_faces", CollectionId=name, **_given(UserId=user_id))
        return [(face["FaceId"], face.get("UserId")) for face in listed["Faces"]]

    def delete_face(self, name: str, face_id: str) -> None:
        deleted = self._call("delete_faces", CollectionId=name, FaceIds=[face_id])
        for failure in deleted["UnsuccessfulFaceDeletions"]:
            raise DoorError(failure["Reasons"][0], json.dumps(failure))

    def delete_faces(self, name: str, face_ids: list[str]) -> list[str]:
        deleted = self._call("delete_faces", CollectionId=name, FaceIds=face_ids)
        return sorted(deleted["DeletedFaces"])

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        (listed,) = self._call("list_faces", CollectionId=name, FaceIds=[face_id])["Faces"]
        self._call(
            "disassociate_faces", CollectionId=name, UserId=listed["UserId"], FaceIds=[face_id]
        )
        self.delete_face(name, face_id)

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        settings = {} if quality_filter is None else {"QualityFilter": quality_filter}
        indexed = self._call(
            "index_faces",
            CollectionId=name,
            Image={"Bytes": photo},
            ExternalImageId="photo",
            **settings,
        )
        return [record["Face"]["FaceId"] for record in indexed["FaceRecords"]]

    def search(
        self,
        name: str,
        photo: bytes,
        threshold: float | None = None,
        limit: int | None = None,
        quality_filter: str | None = None,
        target_fmr: float | None = None,
    ) -> list[Found]:
        assert target_fmr is None, "Rekognition's protocol has no target rates"
        settings = _given(
            FaceMatchThreshold=_percent(threshold), MaxFaces=limit, QualityFilter=quality_filter
        )
        found = self._call(
            "search_faces_by_image", CollectionId=name, Image={"Bytes": photo}, **settings
        )
        return _face_matches(found)

    def compare(
        self, source: bytes, target: bytes, quality_filter: str | None = None
    ) -> list[float]:
        compared = self._call(
            "compare_faces",
            SourceImage={"Bytes": source},
            TargetImage={"Bytes": target},
            SimilarityThreshold=0,
            **_given(QualityFilter=quality_filter),
        )
        return [match["Similarity"] / 100 for match in compared["FaceMatches"]]

    def detect(self, photo: bytes, detector: str | None = None) -> list[float]:
        assert detector is None, "Rekognition's protocol chooses no detector"
        detected = self._call("detect_faces", Image={"Bytes": photo})
        return [face["Confidence"] / 100 for face in detected["FaceDetails"]]

    def page_of_collections(self, limit: int, next_token: str | None) -> Page:
        settings = _given(MaxResults=limit, NextToken=next_token)
        page = self._call("list_collections", **settings)
        return Page(list(page["CollectionIds"]), page.get("NextToken"))

    def page_of_faces(self, name: str, limit: int, next_token: str | None) -> Page:
        settings = _given(MaxResults=limit, NextToken=next_token)
        page = self._call("list_faces", CollectionId=name, **settings)
        return Page([face["FaceId"] for face in page["Faces"]], page.get("NextToken"))

    def page_of_users(self, name: str, limit: int, next_token: str | None) -> Page:
        settings = _given(MaxResults=limit, NextToken=next_token)
        page = self._call("list_users", CollectionId=name, **settings)
        users = [(user["UserId"], user["UserStatus"]) for user in page["Users"]]
        return Page(users, page.get("NextToken"))

    def get_tags(self, name: str) -> dict[str, str]:
        return dict(self._call("list_tags_for_resource", ResourceArn=self._arn(name))["Tags"])

    def set_tags(self, name: str, tags: dict[str, str]) -> None:
        self._call("tag_resource", ResourceArn=self._arn(name), Tags=tags)

    def remove_tags(self, name: str, keys: list[str]) -> None:
        self._call("untag_resource", ResourceArn=self._arn(name), TagKeys=keys)

    def set_retention(self, name: str, days: int | None) -> None:
        if days is None:
            self.remove_tags(name, [RETENTION_TAG])
        else:
            self.set_tags(name, {RETENTION_TAG: f"{days}d"})

    def get_retention(self, name: str) -> int | None:
        value = self.get_tags(name).get(RETENTION_TAG)
        return None if value is None else int(value.removesuffix("d"))

    def search_face(
        self, name: str, face_id: str, limit: int | None = None, target_fmr: float | None = None
    ) -> list[Found]:
        assert target_fmr is None, "Rekognition's protocol has no target rates"
        settings = _given(MaxFaces=limit)
        return _face_matches(
            self._call("search_faces", CollectionId=name, FaceId=face_id, **settings)
        )

    def create_user(self, name: str, user_id: str) -> None:
        self._call("create_user", CollectionId=name, UserId=user_id)

    def create_user_once(self, name: str, user_id: str, token: str) -> None:
        self._call("create_user", CollectionId=name, UserId=user_id, ClientRequestToken=token)

    def delete_user(self, name: str, user_id: str) -> None:
        self._call("delete_user", CollectionId=name, UserId=user_id)

    def associate_faces(
        self, name: str, user_id: str, face_ids: list[str], min_similarity: float | None = None
    ) -> Change:
        answer = self._call(
            "associate_faces",
            CollectionId=name,
            UserId=user_id,
            FaceIds=face_ids,
            **_given(UserMatchThreshold=_percent(min_similarity)),
        )
        return _change(answer, "AssociatedFaces", "UnsuccessfulFaceAssociations")

    def disassociate_faces(self, name: str, user_id: str, face_ids: list[str]) -> Change:
        answer = self._call(
            "disassociate_faces", CollectionId=name, UserId=user_id, FaceIds=face_ids
        )
        return _change(answer, "DisassociatedFaces", "UnsuccessfulFaceDisassociations")

    def search_users_by_face(
        self, name: str, face_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        settings = _given(FaceId=face_id, UserMatchThreshold=_percent(threshold))
        return _users_found(self._call("search_users", CollectionId=name, **settings))

    def search_users_by_user(
        self, name: str, user_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        settings = _given(UserId=user_id, UserMatchThreshold=_percent(threshold))
        return _users_found(self._call("search_users", CollectionId=name, **settings))

    def search_users_by_photo(
        self, name: str, photo: bytes, threshold: float | None = None
    ) -> list[FoundUser]:
        settings = _given(Image={"Bytes": photo}, UserMatchThreshold=_percent(threshold))
        return _users_found(self._call("search_users_by_image", CollectionId=name, **settings))

    def _arn(self, name: str) -> str:
        return str(self._call("describe_collection", CollectionId=name)["CollectionARN"])

    def _call(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - boto3's own
        try:
            return getattr(self._client, operation)(**parameters)
        except ClientError as error:
            raise DoorError(error.response["Error"]["Code"], str(error)) from error


def rekognition_through(function: Function) -> BaseClient:
    """Return boto3's client for the Lambda function: its requests become events of API Gateway."""
    client = boto3.client("rekognition", endpoint_url="https://gateway.example/v1", config=ONE_TRY)

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        # the gateway drops the signature that it has checked
        event = rest_event(
            "POST", "/", _text(request.body), authorization="AWS_IAM", headers=headers
        )
        answer = function(event, None)
        assert not answer["isBase64Encoded"]
        body = BytesIO(answer["body"].encode())
        return AWSResponse(request.url, answer["statusCode"], answer["headers"], RawBody(body))

    client.meta.events.register_first("before-send.rekognition", send)
    return client


class RawBody:
    """A body as botocore reads it."""

    def __init__(self, body: BytesIO) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield the body."""
        while chunk := self._body.read():
            yield chunk


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _given(**members: object) -> dict[str, Any]:
    """Return the members that are given."""
    return {name: value for name, value in members.items() if value is not None}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _face_matches(answer: dict[str, Any]) -> list[Found]:
    return [
        Found(match["Face"]["FaceId"], match["Similarity"] / 100, match["Face"].get("UserId"))
        for match in answer["FaceMatches"]
    ]


def _users_found(answer: dict[str, Any]) -> list[FoundUser]:
    return [
        (match["User"]["UserId"], rounded(match["Similarity"] / 100))
        for match in answer["UserMatches"]
    ]


def _change(answer: dict[str, Any], changed: str, failed: str) -> Change:
    failures = [
        (
            each["FaceId"],
            each["Reasons"],
            each.get("UserId"),
            rounded(each["Confidence"] / 100) if "Confidence" in each else None,
        )
        for each in answer[failed]
    ]
    return Change([face["FaceId"] for face in answer[changed]], failures, answer["UserStatus"])
