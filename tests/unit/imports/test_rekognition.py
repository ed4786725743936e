"""What a collection of Rekognition is read from: its answers, wrong ones and errors."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from facerec.cli.import_reports import REASONS
from facerec.errors import (
    AccessDeniedError,
    FacerecError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)
from facerec.imports.rekognition import read_collection
from facerec.imports.report import Unmatched

FACE: dict[str, Any] = {
    "FaceId": "11111111-2222-4333-8444-555555555555",
    "ImageId": "99999999-2222-4333-8444-555555555555",
    "BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.2},
}


@pytest.fixture
def client() -> Any:  # noqa: ANN401 - boto3's
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    return boto3.client("rekognition", region_name="eu-west-1", **keys)


@pytest.mark.parametrize(
    ("code", "status", "kind", "sentence"),
    [
        ("ThrottlingException", 400, StoreUnavailableError, "throttles the requests"),
        ("ProvisionedThroughputExceededException", 400, StoreUnavailableError, "throttles"),
        ("AccessDeniedException", 400, AccessDeniedError, "access to collection 'staff'"),
        ("UnrecognizedClientException", 400, AccessDeniedError, "access to collection 'staff'"),
        ("ResourceNotFoundException", 400, NotFoundError, "'staff' of Rekognition does not exist"),
        ("ConflictException", 409, StoreUnavailableError, "returned ConflictException"),
        ("InvalidParameterException", 400, InvalidInputError, "the server refuses to list"),
        ("InternalServerError", 500, StoreUnavailableError, "returned InternalServerError"),
    ],
)
def test_errors_of_the_server_are_sentences(
    client: Any,  # noqa: ANN401
    code: str,
    status: int,
    kind: type[FacerecError],
    sentence: str,
) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("list_users", code, http_status_code=status)
        with pytest.raises(kind) as raised:
            read_collection(client, "staff")
    assert sentence in raised.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"FaceId": "no id"},
        {"ImageId": "no id"},
        {"BoundingBox": {"Left": 0.1}},
        {"FaceId": None},
        {"UserId": 5},
        {"UserId": "x ü"},
        {"ExternalImageId": 5},
        {"ExternalImageId": "x ü"},
        {"BoundingBox": {**FACE["BoundingBox"], "Left": float("nan")}},
    ],
)
def test_faces_that_rekognition_would_not_list_are_refused(wrong: dict[str, object]) -> None:
    class Server:
        def get_paginator(self, operation: str) -> Any:  # noqa: ANN401
            class Pages:
                def paginate(self, **_: object) -> list[dict[str, Any]]:
                    return [{"Users": []} if operation == "list_users" else {"Faces": [face]}]

            return Pages()

    face = {name: value for name, value in {**FACE, **wrong}.items() if value is not None}
    with pytest.raises(InvalidInputError):
        read_collection(Server(), "staff")


@pytest.mark.parametrize("user_id", [5, None, "", "x ü"])
def test_users_that_rekognition_would_not_list_are_refused(user_id: object) -> None:
    class Server:
        def get_paginator(self, _: str) -> Any:  # noqa: ANN401
            class Pages:
                def paginate(self, **_: object) -> list[dict[str, Any]]:
                    return [{"Users": [{"UserId": user_id}], "Faces": []}]

            return Pages()

    with pytest.raises(InvalidInputError):
        read_collection(Server(), "staff")


def test_every_reason_is_explained() -> None:
    assert REASONS.keys() == set(Unmatched)
