"""Whatever a client sends, an answer of the 500s would say that the server is at fault."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from botocore.client import BaseClient

from facerec.api.rekognition.model import service_model
from facerec.api.rekognition.operations import OPERATIONS
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.api.conftest import Api

CLIENT = httpx.Client(timeout=60)
"""Shared, since making one takes longer than a request."""

FACE = "00000000-0000-8000-8000-000000000000"
PHOTO = base64.b64encode(fake_photo(fake_face("ann"))).decode()

NUMBERS = [
    *("1" + "0" * 400, "-1" + "0" * 400, "1" * 5_000, "1e308", "1e999", "-1e999", "-1", "0"),
    *("NaN", "Infinity", "-Infinity", "null", '"80"', "[]", "{}", "true", "0.5", "1e-400"),
]
NAMES = [
    *("\\ud800", "\\u0000", "a\\nb", "x" * 5_000, "../../etc/passwd", "/etc/passwd"),
    *("\\ud83d\\ude00", "", " ", "\\u001b[2J", "%2e%2e/%2e%2e/etc/passwd", "n" * 255, "n" * 256),
    *("a//b///", ".", "\\u202e", "s3://photos/a", "arn:aws:rekognition:a:1:collection/staff"),
]
BODIES = [
    *(b"", b"[" * 40_000, b'{"a":' * 10_000, bytes(range(256)), "{}".encode("utf-16"), b"1"),
    *(b'"a"', b"null", b'{"collection_id":1,"collection_id":"x"}', b"{}{}", b"\xef\xbb\xbf{}"),
]
PATHS = [
    *("/api/v1/collections/%00", "/api/v1/collections/%ff%fe", "/api/v1/collections/..%2f.."),
    *("/api/v1/collections/" + "x" * 300, "/api/v1/jobs/..", "/api/v1/jobs/%2e%2e%2f"),
    "/api/v1/collections/staff/faces?next_token=%ff%fe%00",
    *(f"/api/v1/collections/staff/faces?next_token={token}" for token in ("a", "b%00", "aAAAA")),
    *("/api/v1/jobs?limit=1e9", "/api/v1/collections?limit=" + "9" * 900),
    *("/api/v1/collections/staff/faces/xyz/thumbnail", "/api/v1/nothing", "/docs/nothing"),
    *("/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "//etc/passwd", "/%c0%ae%c0%ae/", "/?" + "a" * 9_000),
]


@pytest.fixture
def staff(api: Api, client: BaseClient) -> Api:
    client.create_collection(CollectionId="staff")
    client.create_user(CollectionId="staff", UserId="ann")
    return api


def check(address: str, method: str, path: str, content: bytes | str, headers: object) -> None:
    content = content if isinstance(content, bytes) else content.encode()
    answer = CLIENT.request(method, address + path, content=content, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code < 500, (method, path[:80], content[:300], answer.text[:300])


def rekognition(api: Api, operation: str, content: bytes | str) -> None:
    headers = {"X-Amz-Target": f"RekognitionService.{operation}"}
    check(api.address, "POST", "/", content, headers)


def rest(api: Api, path: str, content: bytes | str, method: str = "POST") -> None:
    check(api.address, method, f"/api/v1{path}", content, {"Content-Type": "application/json"})


VALID = {
    "CollectionId": "staff",
    "FaceId": FACE,
    "FaceIds": [FACE],
    "UserId": "ann",
    "Image": {"Bytes": PHOTO},
    "SourceImage": {"Bytes": PHOTO},
    "TargetImage": {"Bytes": PHOTO},
    "ResourceArn": "arn:aws:rekognition:eu-west-1:1:collection/staff",
    "Tags": {"a": "b"},
    "TagKeys": ["a"],
}
"""Values of Rekognition's members with which each operation is possible."""


def with_member(operation: str, member: str, value: str) -> str:
    """Return a request in which one member has a value of the test's choice, written as JSON."""
    shape = service_model().operation_model(operation).input_shape
    fields = {name: VALID[name] for name in shape.required_members if name in VALID}
    fields[member] = "@@"
    return json.dumps(fields).replace('"@@"', value)


MEMBERS = [
    (operation, member)
    for operation in OPERATIONS
    for member in service_model().operation_model(operation).input_shape.members
]


@pytest.mark.parametrize(("operation", "member"), MEMBERS)
def test_no_member_of_rekognition_s_protocol_is_answered_by_a_server_error(
    staff: Api, operation: str, member: str
) -> None:
    for value in (
        *NUMBERS,
        *(f'"{name}"' for name in NAMES),
        f'["{NAMES[0]}"]',
        f'{{"{NAMES[0]}":1}}',
    ):
        rekognition(staff, operation, with_member(operation, member, value))


@pytest.mark.parametrize("field", ["Bucket", "Name", "Version"])
def test_no_name_of_an_object_is_answered_by_a_server_error(staff: Api, field: str) -> None:
    for name in NAMES:
        place = {"Bucket": "photos", "Name": "a.jpg", field: "@@"}
        content = json.dumps({"Image": {"S3Object": place}}).replace("@@", name)
        rekognition(staff, "DetectFaces", content)


ROUTES = {
    "/face-recognition/match": (
        "threshold",
        "limit",
        "max_faces",
        "min_confidence",
        "collection_id",
    ),
    "/face-recognition/index": (
        *("max_faces", "min_confidence", "quality_filter", "external_image_id", "key", "prefix"),
        *("manifest", "bucket", "version", "collection_id"),
    ),
    "/face-recognition/detect": ("image", "bucket", "key", "min_confidence"),
    "/collections": ("collection_id",),
}


@pytest.mark.parametrize(
    ("path", "field"), [(p, f) for p, fields in ROUTES.items() for f in fields]
)
def test_no_field_of_the_rest_api_is_answered_by_a_server_error(
    staff: Api, path: str, field: str
) -> None:
    for value in (*NUMBERS, *(f'"{name}"' for name in NAMES)):
        photo = (
            {"bucket": "photos", "key": "a.jpg"}
            if field in ("key", "version")
            else {"image": PHOTO}
        )
        fields = {"collection_id": "staff", **photo, field: "@@"}
        rest(staff, path, json.dumps(fields).replace('"@@"', value))


@pytest.mark.parametrize("content", BODIES, ids=[str(number) for number in range(len(BODIES))])
def test_no_body_is_answered_by_a_server_error(staff: Api, content: bytes) -> None:
    for operation in ("ListCollections", "IndexFaces", "Nothing", ""):
        rekognition(staff, operation, content)
    for path in (*ROUTES, "/face-recognition/compare"):
        rest(staff, path, content)


@pytest.mark.parametrize(
    "method", ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "FOO"]
)
def test_no_path_is_answered_by_a_server_error(staff: Api, method: str) -> None:
    for path in PATHS:
        check(staff.address, method, path, b"", {})


@pytest.mark.parametrize(
    "photo", [b"hello", b"<html>", b"", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0", b"BM"]
)
def test_no_photo_is_answered_by_a_server_error(staff: Api, photo: bytes) -> None:
    image = base64.b64encode(photo).decode()
    rest(staff, "/face-recognition/detect", json.dumps({"image": image}))
    rest(staff, "/face-recognition/match", json.dumps({"image": image, "collection_id": "staff"}))
    rekognition(staff, "DetectFaces", json.dumps({"Image": {"Bytes": image}}))
