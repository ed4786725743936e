from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.local import LoopbackGuard
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.records import Collection
from facerec.errors import StoreUnavailableError
from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api, rekognition_client
from tests.support.server import running

FACE = "00000000-0000-4000-8000-000000000000"
ANN = {"Bytes": fake_photo(fake_face("ann"))}
FACELESS = {"Bytes": fake_photo()}

NEED_A_COLLECTION = {
    "describe_collection": {},
    "delete_collection": {},
    "index_faces": {"Image": ANN},
    "list_faces": {},
    "delete_faces": {"FaceIds": [FACE]},
    "search_faces": {"FaceId": FACE},
    "search_faces_by_image": {"Image": ANN},
    "create_user": {"UserId": "ann"},
    "delete_user": {"UserId": "ann"},
    "list_users": {},
    "associate_faces": {"UserId": "ann", "FaceIds": [FACE]},
    "disassociate_faces": {"UserId": "ann", "FaceIds": [FACE]},
    "search_users": {"FaceId": FACE},
    "search_users_by_image": {"Image": ANN},
}

LOOK_AT_A_PHOTO = {
    "index_faces": {"CollectionId": "staff"},
    "search_faces_by_image": {"CollectionId": "staff"},
    "search_users_by_image": {"CollectionId": "staff"},
    "detect_faces": {},
}

look_at_a_photo = pytest.mark.parametrize(("operation", "settings"), LOOK_AT_A_PHOTO.items())


@pytest.fixture(autouse=True)
def staff(client: BaseClient) -> None:
    client.create_collection(CollectionId="staff")


def code_of(call: object, **request: object) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    assert raised.value.response["Error"]["Message"]
    return raised.value.response["Error"]["Code"]


def post(api: Api, operation: str, body: bytes | str | dict[str, object]) -> httpx.Response:
    content = json.dumps(body) if isinstance(body, dict) else body
    headers = {
        "X-Amz-Target": f"RekognitionService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    return httpx.post(api.address, content=content, headers=headers)


@pytest.mark.parametrize(("operation", "settings"), NEED_A_COLLECTION.items())
def test_an_unknown_collection_is_not_found(
    client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    call = getattr(client, operation)
    assert code_of(call, CollectionId="nowhere", **settings) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "settings"),
    [
        ("delete_user", {}),
        ("list_faces", {}),
        ("search_users", {}),
        ("associate_faces", {"FaceIds": [FACE]}),
        ("disassociate_faces", {"FaceIds": [FACE]}),
    ],
)
def test_an_unknown_user_is_not_found(
    client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    call = getattr(client, operation)
    code = code_of(call, CollectionId="staff", UserId="ann", **settings)
    assert code == "ResourceNotFoundException"


@pytest.mark.parametrize("operation", ["search_faces", "search_users"])
def test_an_unknown_face_is_an_invalid_parameter(client: BaseClient, operation: str) -> None:
    call = getattr(client, operation)
    assert code_of(call, CollectionId="staff", FaceId=FACE) == "InvalidParameterException"


def test_a_search_for_users_names_either_a_face_or_a_user(client: BaseClient) -> None:
    call = client.search_users
    assert code_of(call, CollectionId="staff") == "InvalidParameterException"
    both = {"FaceId": FACE, "UserId": "ann"}
    assert code_of(call, CollectionId="staff", **both) == "InvalidParameterException"


@look_at_a_photo
def test_a_file_that_is_not_a_photo_is_an_invalid_image_format(
    client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    call = getattr(client, operation)
    for content in (b"no photo", b'{"cut short'):
        code = code_of(call, Image={"Bytes": content}, **settings)
        assert code == "InvalidImageFormatException"


@look_at_a_photo
def test_a_photo_of_too_many_pixels_is_too_large(
    client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    giant = {"Bytes": fake_photo(width=20_000, height=20_000)}
    code = code_of(getattr(client, operation), Image=giant, **settings)
    assert code == "ImageTooLargeException"


@look_at_a_photo
def test_an_object_of_too_many_bytes_is_too_large(
    api: Api, client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    with (api.bucket / "giant.jpg").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES + 1)
    giant = {"S3Object": {"Bucket": "photos", "Name": "giant.jpg"}}
    code = code_of(getattr(client, operation), Image=giant, **settings)
    assert code == "ImageTooLargeException"


@look_at_a_photo
@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("photos", "missing.jpg"),
        ("photos", "../facerec.db"),
        ("photos", "/etc/hostname"),
        ("photos", "link"),
        ("photos", "."),
        ("another-bucket", "photo.jpg"),
    ],
)
def test_objects_that_are_missing_or_not_allowed_are_invalid(
    api: Api,
    client: BaseClient,
    operation: str,
    settings: dict[str, object],
    bucket: str,
    name: str,
) -> None:
    (api.bucket / "link").symlink_to(Path("/etc/hostname"))
    image = {"S3Object": {"Bucket": bucket, "Name": name}}
    code = code_of(getattr(client, operation), Image=image, **settings)
    assert code == "InvalidS3ObjectException"


@look_at_a_photo
def test_an_image_is_either_bytes_or_an_object(
    client: BaseClient, operation: str, settings: dict[str, object]
) -> None:
    call = getattr(client, operation)
    assert code_of(call, Image={}, **settings) == "InvalidParameterException"
    half = {"S3Object": {"Bucket": "photos"}}
    assert code_of(call, Image=half, **settings) == "InvalidParameterException"


def test_a_photo_without_a_face_cannot_be_searched_for_or_compared(client: BaseClient) -> None:
    search = client.search_faces_by_image
    assert code_of(search, CollectionId="staff", Image=FACELESS) == "InvalidParameterException"
    for pair in ((ANN, FACELESS), (FACELESS, ANN)):
        code = code_of(client.compare_faces, SourceImage=pair[0], TargetImage=pair[1])
        assert code == "InvalidParameterException"


def test_a_collection_of_another_model_is_not_mixed_with_this_one(
    api: Api, client: BaseClient
) -> None:
    api.collaborators.records.create_collection(Collection("old", "fake-0", 1.0))
    for operation in ("index_faces", "search_faces_by_image", "search_users_by_image"):
        code = code_of(getattr(client, operation), CollectionId="old", Image=ANN)
        assert code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("operation", "request_", "constraint"),
    [
        ("create_collection", {"CollectionId": "a b"}, "regular expression"),
        ("create_collection", {"CollectionId": "a\n"}, "regular expression"),
        ("create_collection", {"CollectionId": "a" * 256}, "length less"),
        ("list_collections", {"MaxResults": 4097}, "value less"),
        ("list_faces", {"CollectionId": "staff", "NextToken": "x" * 256}, "length less"),
        ("list_users", {"CollectionId": "staff", "MaxResults": 501}, "value less"),
        ("index_faces", {"CollectionId": "staff", "Image": ANN, "ExternalImageId": "a/b"}, "regul"),
        ("index_faces", {"CollectionId": "staff", "Image": ANN, "QualityFilter": "X"}, "enum"),
        ("index_faces", {"CollectionId": "staff", "Image": {"Bytes": b""}}, "length greater"),
        ("index_faces", {"CollectionId": "staff", "Image": {"Bytes": b"x" * 5_242_881}}, "length"),
        ("detect_faces", {"Image": ANN, "Attributes": ["AGE"]}, "enum"),
        ("search_faces", {"CollectionId": "staff", "FaceId": "me"}, "regular expression"),
        ("search_faces", {"CollectionId": "staff", "FaceId": FACE, "MaxFaces": 4097}, "value"),
        ("delete_faces", {"CollectionId": "staff", "FaceIds": [FACE] * 4097}, "length less"),
        ("create_user", {"CollectionId": "staff", "UserId": "a b"}, "regular expression"),
        (
            "create_user",
            {"CollectionId": "staff", "UserId": "a", "ClientRequestToken": "a b"},
            "regular expression",
        ),
        (
            "associate_faces",
            {"CollectionId": "staff", "UserId": "a", "FaceIds": [FACE] * 101},
            "length less",
        ),
        (
            "search_faces_by_image",
            {"CollectionId": "staff", "Image": ANN, "FaceMatchThreshold": 100.1},
            "value less",
        ),
    ],
)
def test_what_the_model_forbids_is_a_validation_exception_although_boto3_accepts_it(
    client: BaseClient, operation: str, request_: dict[str, object], constraint: str
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**request_)
    error = raised.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert constraint in error["Message"]
    assert len(error["Message"]) < 1000


def test_every_violation_is_named(api: Api) -> None:
    answer = post(api, "SearchFaces", {"FaceMatchThreshold": -1}).json()
    assert answer["__type"] == "ValidationException"
    assert answer["Message"].startswith("3 validation errors detected: ")
    assert "Value null at 'collectionId'" in answer["Message"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "null",
        "\xff",
        "[" * 100_000,
        '{"CollectionId": 7, "FaceId": "x"}',
        '{"CollectionId": "staff", "FaceId": ["x"]}',
        '{"CollectionId": "staff", "FaceId": "x", "FaceMatchThreshold": NaN}',
        '{"CollectionId": "staff", "FaceId": "x", "FaceMatchThreshold": "80"}',
        '{"CollectionId": "staff", "FaceId": "x", "FaceMatchThreshold": true}',
        '{"CollectionId": "staff", "FaceId": "x", "MaxFaces": 1.5}',
        '{"CollectionId": "staff", "FaceId": "x", "MaxFaces": 1e999}',
        '{"CollectionId": "staff", "FaceId": "x", "MaxFaces": 1' + "0" * 5000 + "}",
    ],
)
def test_a_body_that_cannot_be_parsed_is_a_serialization_exception(api: Api, body: str) -> None:
    response = post(api, "SearchFaces", body.encode("latin-1"))
    assert response.status_code == 400
    assert response.json()["__type"] == "SerializationException"


@pytest.mark.parametrize("content", ["not base64!", "abc", 7])
def test_a_photo_that_is_not_base64_is_a_serialization_exception(api: Api, content: object) -> None:
    response = post(api, "DetectFaces", {"Image": {"Bytes": content}})
    assert response.json()["__type"] == "SerializationException"


def test_unknown_members_are_ignored(api: Api) -> None:
    response = post(api, "DescribeCollection", {"CollectionId": "staff", "Later": [1]})
    assert response.status_code == 200


@pytest.mark.parametrize("target", ["DetectLabels", "Nothing", "", "__class__"])
def test_an_unknown_operation_is_reported_as_such(api: Api, target: str) -> None:
    response = post(api, target, {})
    assert response.status_code == 400
    assert response.json()["__type"] == "UnknownOperationException"


def test_an_expired_damaged_or_foreign_page_token_is_refused(api: Api, client: BaseClient) -> None:
    for number in range(3):
        client.create_collection(CollectionId=f"c{number}")
        client.create_user(CollectionId="staff", UserId=f"u{number}")
    token = client.list_collections(MaxResults=1)["NextToken"]
    refused = "InvalidPaginationTokenException"
    assert code_of(client.list_collections, NextToken=token[:-3] + "AAA") == refused
    assert code_of(client.list_collections, NextToken="anything") == refused
    assert code_of(client.list_users, CollectionId="staff", NextToken=token) == refused
    assert code_of(client.list_faces, CollectionId="staff", NextToken=token) == refused
    users = client.list_users(CollectionId="staff", MaxResults=1)["NextToken"]
    assert code_of(client.list_users, CollectionId="c0", NextToken=users) == refused
    api.clock.now += 25 * 3600
    assert code_of(client.list_collections, NextToken=token) == refused


def test_a_body_beyond_the_limit_is_refused_with_a_hint(api: Api) -> None:
    response = post(api, "DetectFaces", b"x" * (16 * 1024 * 1024 + 1))
    assert response.status_code in (400, 413)
    assert "bucket" in response.json()["Message"]


class BrokenStore:
    """A store of faces that answers nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailableError("/data/ann does not answer"), "InternalServerError"),
        (RuntimeError("secret of ann"), "InternalServerError"),
    ],
)
def test_server_errors_have_rekognitions_names_and_no_stack_trace(
    api: Api, caplog: pytest.LogCaptureFixture, error: Exception, code: str
) -> None:
    gallery = replace(api.collaborators, faces=BrokenStore(error)).gallery()
    with running(create_app(gallery, AppSettings(LoopbackGuard()))) as address:
        client = rekognition_client(address)
        with pytest.raises(ClientError) as raised:
            client.list_faces(CollectionId="staff")
    response = raised.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "ann" not in response["Error"]["Message"]
    assert "ann" not in caplog.text
    assert caplog.records


def test_an_endpoint_may_have_a_path(api: Api) -> None:
    client = rekognition_client(api.address + "/some/prefix")
    assert client.list_collections()["CollectionIds"] == ["staff"]


@pytest.mark.parametrize(
    ("operation", "parameters", "sentence"),
    [
        (
            "search_faces_by_image",
            {"CollectionId": "staff", "Image": {"Bytes": fake_photo()}},
            "There are no faces in the image. Should be at least 1.",
        ),
        (
            "create_collection",
            {"CollectionId": "staff"},
            "The collection id: staff already exists",
        ),
        (
            "delete_collection",
            {"CollectionId": "none"},
            "The collection id: none does not exist",
        ),
        (
            "detect_faces",
            {"Image": {"S3Object": {"Bucket": "photos", "Name": "none.jpg"}}},
            "Unable to get object metadata from S3. Check object key, region and/or access "
            "permissions.",
        ),
        ("detect_faces", {"Image": {"Bytes": b"text"}}, "Request has invalid image format"),
        (
            "search_faces",
            {"CollectionId": "staff", "FaceId": FACE},
            "faceId was not found in the collection",
        ),
    ],
)
def test_a_message_begins_with_the_sentence_that_programs_compare(
    client: BaseClient, staff: str, operation: str, parameters: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**parameters)
    assert raised.value.response["Error"]["Message"].startswith(sentence)
