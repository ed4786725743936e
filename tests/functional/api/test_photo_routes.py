"""Every route that takes a photo, in each form of a request, with the options that all have."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.rest_server import GROUP, RestServer, operations, rest_server

OPTIONS = {"smallest_face": 40, "min_confidence": 0.5, "quality_filter": "NONE", "limit": 1}
"""What can be given on every route."""

IN_BASE64 = base64.b64encode(GROUP).decode()

FIELDS: dict[str, dict[str, Any]] = {
    "index": {"collection_id": "staff"},
    "match": {"collection_id": "staff"},
    "match_people": {"collection_id": "staff"},
    "find": {"collection_id": "staff", "face_number": 1, "doubtful": True},
    "detect": {},
    "compare": {},
}
"""The other fields that each route needs."""

RETURNED: dict[str, Callable[[Any], list[Any]]] = {
    "index": lambda answer: answer["faces"],
    "match": lambda answer: answer["faces"][0]["matches"],
    "match_people": lambda answer: answer["matches"],
    "find": lambda answer: answer["matches"],
    "detect": lambda answer: answer["faces"],
    "compare": lambda answer: answer["pairs"],
}
"""What each route returns at most ``limit`` of."""

HAS_MORE = {
    "match": "more_matches",
    "match_people": "more_matches",
    "find": "next_token",
    "compare": "more_pairs",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    with rest_server(tmp_path_factory.mktemp("photo-routes")) as server:
        yield server


@pytest.fixture(scope="module")
def rest(server: RestServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=60) as rest:
        rest.post("/api/v1/collections", json={"collection_id": "staff"})
        for name in ("ann", "twin"):
            request = {"collection_id": "staff", "external_image_id": name}
            indexed = rest.post(
                "/api/v1/face-recognition/index", data=request, files={"file": GROUP}
            ).json()
            people = "/api/v1/collections/staff/people"
            rest.post(people, json={"user_id": name})
            face_id = indexed["faces"][0]["face_id"]
            rest.post(f"{people}/{name}/faces", json={"face_ids": [face_id]})
        yield rest


def photo_routes(document: dict[str, Any]) -> dict[str, str]:
    """Return the paths of the operations that an OpenAPI document lets take files."""
    return {
        operation_id: path
        for operation_id, (method, path) in operations(document).items()
        if "multipart/form-data"
        in document["paths"][path][method].get("requestBody", {}).get("content", {})
    }


def test_every_route_with_photos_is_in_the_table(server: RestServer) -> None:
    assert photo_routes(server.app.openapi()).keys() == FIELDS.keys()


@pytest.mark.parametrize("operation_id", FIELDS)
def test_the_document_has_the_options_on_every_route(server: RestServer, operation_id: str) -> None:
    document = server.app.openapi()
    path = photo_routes(document)[operation_id]
    for media_type in ("application/json", "multipart/form-data"):
        schema = document["paths"][path]["post"]["requestBody"]["content"][media_type]["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert schema["properties"].keys() >= OPTIONS.keys()


def test_the_document_has_what_forms_accept_as_booleans(server: RestServer) -> None:
    """A form has text only: a value that is not described must be refused."""
    document = server.app.openapi()
    path = photo_routes(document)["detect"]
    content = document["paths"][path]["post"]["requestBody"]["content"]
    described = content["multipart/form-data"]["schema"]["properties"]["rotate"]["pattern"]
    values = {"true", "True", "TRUE", "1", "false", "False", "FALSE", "0", "2", "yes", "tRUE", ""}
    with httpx.Client(base_url=server.address) as client:
        accepted = {
            value
            for value in values
            if client.post(path, data={"rotate": value}, files={"image": GROUP}).is_success
        }
    assert accepted == {value for value in values if re.search(described, value)}


def in_json(operation_id: str, image: str) -> dict[str, Any]:
    photo: dict[str, Any] = {"image": image}
    if operation_id == "compare":
        photo = {"source": photo, "target": photo}
    return {"json": {**FIELDS[operation_id], **OPTIONS, **photo}}


def in_form(operation_id: str, name: str) -> dict[str, Any]:
    names = ("source", "target") if operation_id == "compare" else (name,)
    files = {each: ("group.jpg", GROUP, "image/jpeg") for each in names}
    return {"data": {**FIELDS[operation_id], **OPTIONS}, "files": files}


def as_body(operation_id: str) -> dict[str, Any]:
    fields = {**FIELDS[operation_id], **OPTIONS}
    return {"params": fields, "content": GROUP, "headers": {"Content-Type": "image/jpeg"}}


FORMS: dict[str, Callable[[str], dict[str, Any]]] = {
    "JSON": lambda name: in_json(name, IN_BASE64),
    "data URL": lambda name: in_json(name, f"data:image/jpeg;base64,{IN_BASE64}"),
    "URL-safe": lambda name: in_json(name, base64.urlsafe_b64encode(GROUP).decode().rstrip("=")),
    "form, image": lambda name: in_form(name, "image"),
    "form, file": lambda name: in_form(name, "file"),
    "body": as_body,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operation_id", FIELDS)
def test_every_route_takes_a_photo_and_the_options_in_every_form(
    server: RestServer, rest: httpx.Client, operation_id: str, form: str
) -> None:
    path = photo_routes(server.app.openapi())[operation_id]
    answer = rest.post(path, **FORMS[form](operation_id))
    if (operation_id, form) == ("compare", "body"):
        assert answer.status_code == 422
        assert "source and target as two parts of a form" in answer.json()["detail"]
        return
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert len(RETURNED[operation_id](document)) == 1
    searched = document["faces"][0] if operation_id == "match" else document
    if operation_id in HAS_MORE:
        assert searched[HAS_MORE[operation_id]]


@pytest.mark.parametrize("form", FORMS)
def test_the_next_page_is_returned_in_every_form(
    server: RestServer, rest: httpx.Client, form: str
) -> None:
    path, request = photo_routes(server.app.openapi())["find"], FORMS[form]("find")
    first = rest.post(path, **request).json()
    parameters = {**request.get("params", {}), "next_token": first["next_token"]}
    answer = rest.post(path, **{**request, "params": parameters})
    assert answer.status_code == 200, answer.text
    (earlier,), (later,) = RETURNED["find"](first), RETURNED["find"](answer.json())
    assert earlier != later


@pytest.mark.parametrize("operation_id", ["index", "detect"])
@pytest.mark.parametrize(("limit", "max_faces"), [(1, 2), (2, 1)])
def test_the_lower_of_two_limits_of_faces_counts(
    server: RestServer, rest: httpx.Client, operation_id: str, limit: int, max_faces: int
) -> None:
    path = photo_routes(server.app.openapi())[operation_id]
    request = in_json(operation_id, IN_BASE64)
    limits = {"limit": limit, "max_faces": max_faces}
    answer = rest.post(path, json={**request["json"], **limits})
    assert answer.status_code == 200, answer.text
    assert len(RETURNED[operation_id](answer.json())) == 1


def test_a_limit_says_nothing_about_the_photos_of_a_job(rest: httpx.Client) -> None:
    job = {"collection_id": "staff", "bucket": "photos", "prefix": "", "limit": 1}
    answer = rest.post("/api/v1/face-recognition/index", json=job)
    assert answer.status_code == 422
    assert "for a job, use max_faces" in answer.json()["detail"]


def without_a_file(operation_id: str) -> dict[str, Any]:
    fields = FIELDS[operation_id]
    return {
        "files": {"max_faces": (None, "1")}
        | {name: (None, str(value).lower()) for name, value in fields.items()}
    }


def with_two_files(operation_id: str) -> dict[str, Any]:
    names = ("source", "source", "target") if operation_id == "compare" else ("image", "file")
    files = [(name, ("group.jpg", GROUP, "image/jpeg")) for name in names]
    return {"data": FIELDS[operation_id], "files": files}


def as_text(operation_id: str) -> dict[str, Any]:
    return {**as_body(operation_id), "headers": {"Content-Type": "text/plain"}}


def url_encoded(operation_id: str) -> dict[str, Any]:
    return {"data": {**FIELDS[operation_id], "image": "x"}}


def with_null(operation_id: str) -> dict[str, Any]:
    document = in_json(operation_id, IN_BASE64)["json"]
    return {"json": {**document, "quality_filter": None}}


def without_base64(operation_id: str) -> dict[str, Any]:
    return in_json(operation_id, "photo.jpg")


def under_another_name(operation_id: str) -> dict[str, Any]:
    files = {"photo": ("group.jpg", GROUP, "image/jpeg")}
    return {"data": FIELDS[operation_id], "files": files}


def with_an_empty_file(operation_id: str) -> dict[str, Any]:
    name = "source" if operation_id == "compare" else "image"
    return {"data": FIELDS[operation_id], "files": {name: ("group.jpg", b"", "image/jpeg")}}


def without_a_boundary(operation_id: str) -> dict[str, Any]:
    return {
        "params": FIELDS[operation_id],
        "content": GROUP,
        "headers": {"Content-Type": "multipart/form-data"},
    }


def without_parts(operation_id: str) -> dict[str, Any]:
    return {**without_a_boundary(operation_id), "content": b""}


def with_an_empty_body(operation_id: str) -> dict[str, Any]:
    return {**as_body(operation_id), "content": b""}


WRONG: dict[str, tuple[Callable[[str], dict[str, Any]], int, tuple[str, ...]]] = {
    "no file": (
        without_a_file,
        422,
        ("a file in a form", "specify exactly one: image", "two parts of a"),
    ),
    "several files": (with_two_files, 422, ("send one photo per request",)),
    "another part": (under_another_name, 422, ("send the file as the part 'image'",)),
    "an empty file": (with_an_empty_file, 422, ("send the bytes of a photo",)),
    "no boundary": (without_a_boundary, 422, ("send the file as the part 'image'",)),
    "no parts": (without_parts, 422, ("send the file as the part 'image'",)),
    "an empty body": (with_an_empty_body, 422, ("send the bytes of a photo",)),
    "text": (as_text, 415, ("a photo with Content-Type: image/jpeg",)),
    "a form of a page": (url_encoded, 415, ("a form as multipart/form-data",)),
    "null": (with_null, 422, ("omit the fields that you do not set",)),
    "the name of a file": (without_base64, 422, ("to send the file itself",)),
}
"""Requests with a mistake, their status, and a part of the sentence that says what to send."""


@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("operation_id", FIELDS)
def test_every_route_says_what_to_send_instead(
    server: RestServer, rest: httpx.Client, operation_id: str, mistake: str
) -> None:
    path = photo_routes(server.app.openapi())[operation_id]
    make, status, sentences = WRONG[mistake]
    answer = rest.post(path, **make(operation_id))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert any(sentence in answer.json()["detail"] for sentence in sentences), answer.text
