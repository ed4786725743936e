"""Texts that are not valid Unicode, in every member of every request, are the client's mistake.

JSON can write half of a pair of UTF-16, which no store keeps and no answer can contain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.functional.api.conftest import Api
from tests.functional.api.test_no_server_errors import CLIENT, FACE, PHOTO

Json = Any
HALVES = ("\ud800", "a\udfffb", "Zo\ud83d", "\udcff")
VALUES = {
    "collection_id": "staff",
    "user_id": "ann",
    "face_id": FACE,
    "image": PHOTO,
    "source": PHOTO,
    "target": PHOTO,
    "person": "ann",
}


def resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = next(s for s in schema["anyOf"] if s.get("type") != "null")
    return schema


def example(document: Json, name: str, schema: Json) -> Json:
    """Return a value that the schema allows, with at least one text where it can have one."""
    schema = resolved(document, schema)
    if name in VALUES:
        return VALUES[name]
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            required = schema.get("required", ())
            return {key: example(document, key, fields[key]) for key in required} or {"a": "b"}
        case "array":
            return [example(document, name.removesuffix("s"), schema["items"])]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
    return (schema.get("examples") or ["ann"])[0]


def with_half(value: Json, half: str) -> Iterator[Json]:
    """Return copies of a value, each with half a character in one of its texts or keys."""
    if isinstance(value, str):
        yield half
    elif isinstance(value, list):
        yield from ([changed, *value[1:]] for changed in with_half(value[0], half))
    elif isinstance(value, dict):
        for key in value:
            yield {(half if other == key else other): value[other] for other in value}
            yield from (value | {key: changed} for changed in with_half(value[key], half))
    else:
        yield half


def bodies(document: Json, operation: Json, half: str) -> Iterator[Json]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return
    schema = resolved(document, content["application/json"]["schema"])
    required = {
        key: example(document, key, schema["properties"][key]) for key in schema.get("required", ())
    }
    for name, member in schema["properties"].items():
        for changed in with_half(example(document, name, member), half):
            yield required | {name: changed}


def requests(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Return method, path and body of each request, with half a character in one place."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", ())
            filled = path
            for parameter in parameters:
                value = VALUES.get(parameter["name"], "1")
                filled = filled.replace(f"{{{parameter['name']}}}", value)
            for half in HALVES:
                yield from ((method, filled, body) for body in bodies(document, operation, half))
            for parameter in parameters:
                for encoded in ("%ED%A0%80", "%FF", "a%C3"):
                    name = parameter["name"]
                    if parameter["in"] == "path":
                        values = VALUES | {name: encoded}
                        yield method, path.format_map(Filled(values)), None
                    else:
                        yield method, f"{filled}?{name}={encoded}", None


class Filled(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


@pytest.fixture
def staff(api: Api, client: BaseClient) -> Api:
    client.create_collection(CollectionId="staff")
    client.create_user(CollectionId="staff", UserId="ann")
    return api


def test_half_a_character_in_any_member_of_the_rest_api_is_no_server_error(staff: Api) -> None:
    document = CLIENT.get(f"{staff.address}/openapi.json").json()
    refused = 0
    for method, path, body in requests(document):
        answer = CLIENT.request(
            method,
            staff.address + path,
            content=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code < 500, (method, path, body, answer.text[:300])
        refused += body is not None and answer.status_code in (400, 422)
        if answer.status_code in (400, 422):
            assert answer.json()["detail"], (method, path, body)
    assert refused > 100


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    ("method", "path", "member"),
    [
        ("POST", "people", "name"),
        ("PUT", "people/ann/name", "name"),
    ],
)
def test_a_name_with_half_a_character_is_refused_with_a_sentence(
    staff: Api, half: str, method: str, path: str, member: str
) -> None:
    answer = CLIENT.request(
        method,
        f"{staff.address}/api/v1/collections/staff/{path}",
        content=json.dumps({member: half}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    assert "Unicode" in answer.text or "invalid name" in answer.text
