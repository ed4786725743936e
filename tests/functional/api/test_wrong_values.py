"""Wrong values at every route and for every field: each is answered with a sentence of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.rest_server import ANN, NO_FACE, RestServer, operations, rest_server

WRONG_FIELDS = [True, 1, 1.5, -1, "", "x", "ü" * 300, [], {}, [1], 10**30]
WRONG_PARAMETERS = ["", "x", "-1", "1.5", "true", "ü" * 300, "9" * 25, "nan"]
WRONG_BODIES = [[], "x", 5]
NAMES = {
    "collection_id": "staff",
    "user_id": "ann",
    "person": "ann",
    "face_id": NO_FACE,
    "cluster_id": NO_FACE,
    "erasure_id": "20200101T000000Z-00000000",
    "job_id": "none",
    "entry_id": "20200101T000000Z-00000000",
}
GENERIC = re.compile(
    r"Input should|should (have|be|match)|Field required|Extra inputs|valid (str|int)"
)
"""Sentences of the library that checks values."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    with rest_server(tmp_path_factory.mktemp("wrong")) as server:
        yield server


def requests(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and arguments of requests with a wrong value."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    for text in WRONG_PARAMETERS:
                        yield method, path, {"params": {parameter["name"]: text}}
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" not in content:
                continue
            yield method, path, {}
            yield method, path, {"content": b"{", "headers": {"Content-Type": "application/json"}}
            for body in WRONG_BODIES:
                yield method, path, {"json": body}
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for field in document["components"]["schemas"][name]["properties"]:
                for value in WRONG_FIELDS:
                    yield method, path, {"json": {field: value}}


def test_every_wrong_value_is_answered_in_words_of_ours(server: RestServer) -> None:
    document = server.app.openapi()
    refused = 0
    with httpx.Client(base_url=server.address, timeout=60) as http:
        http.post("/api/v1/collections", json={"collection_id": "staff"})
        for method, path, arguments in requests(document):
            answer = http.request(method, path.format(**NAMES), **arguments)
            assert answer.status_code < 500, (method, path, arguments)
            if answer.status_code in (400, 422):
                refused += 1
                detail = answer.json()["detail"]
                assert not GENERIC.search(detail), (method, path, arguments, detail)
    assert refused > 1000


def is_fraction(schema: dict[str, Any]) -> bool:
    return any(each.get("type") == "number" for each in schema.get("anyOf", [schema]))


def test_every_number_that_is_none_is_called_so(server: RestServer) -> None:
    document = server.app.openapi()
    schemas = document["components"]["schemas"]
    asked = set[str]()
    with httpx.Client(base_url=server.address, timeout=60) as http:
        http.post("/api/v1/collections", json={"collection_id": "staff"})
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                requests: dict[str, dict[str, Any]] = {
                    parameter["name"]: {"params": {parameter["name"]: "nan"}}
                    for parameter in operation.get("parameters", ())
                    if is_fraction(parameter["schema"])
                }
                content = operation.get("requestBody", {}).get("content", {})
                name = content.get("application/json", {}).get("schema", {}).get("$ref", "")
                fields = schemas.get(name.rpartition("/")[2], {}).get("properties", {})
                for field in (each for each in fields if is_fraction(fields[each])):
                    requests[field] = {
                        "content": f'{{"{field}": NaN}}'.encode(),
                        "headers": {"Content-Type": "application/json"},
                    }
                for field, arguments in requests.items():
                    answer = http.request(method, path.format(**NAMES), **arguments)
                    said = answer.json()["detail"]
                    if f".{field} " in said:
                        asked.add(field)
                        assert f".{field} must be a finite number" in said, (method, path, said)
    assert asked >= {"threshold", "target_fmr", "prune_limit_percentage"}


@pytest.mark.parametrize(
    ("text", "searched"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False)],
)
def test_a_form_has_booleans_as_programs_write_them(
    server: RestServer, text: str, searched: bool
) -> None:
    _, path = operations(server.app.openapi())["match"]
    with httpx.Client(base_url=server.address, timeout=60) as http:
        name = f"by-{text}"
        http.post("/api/v1/collections", json={"collection_id": name})
        form = {"collection_id": name, "index": text}
        assert http.post(path, data=form, files={"image": ANN}).status_code == 200
        faces = http.get(f"/api/v1/collections/{name}/faces").json()["faces"]
    assert bool(faces) == searched


@pytest.mark.parametrize("text", ["yes", "", "2", "null"])
def test_another_boolean_is_refused_with_those_that_are_accepted(
    server: RestServer, text: str
) -> None:
    _, path = operations(server.app.openapi())["match"]
    with httpx.Client(base_url=server.address, timeout=60) as http:
        form = {"collection_id": "staff", "index": text}
        answer = http.post(path, data=form, files={"image": ANN})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "body.index: give true or false, or 1 or 0"
