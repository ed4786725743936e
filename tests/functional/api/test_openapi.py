"""The OpenAPI document against the server: what it says is what is done."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations, takewhile
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tests.support.moments import EVERY_CALL, every_nth
from tests.support.rest_server import ANN, GROUP, RestServer, operations, rest_server

PHOTOS = st.sampled_from([ANN, GROUP])
FILES = ("file", "image", "source", "target")
ROOT = Path(__file__).parents[3]
# no schema can say what makes bytes a photo
schemathesis.openapi.format("byte", PHOTOS.map(lambda photo: base64.b64encode(photo).decode()))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    with rest_server(tmp_path_factory.mktemp("openapi")) as server:
        yield server


def test_requests_that_the_document_allows_are_answered_as_it_says(server: RestServer) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", server.app)
    for operation in (found.ok() for found in document.get_all_operations()):
        for mode in schemathesis.GenerationMode:
            # a request without parameters has no wrong ones
            with suppress(Unsatisfiable):
                check(operation, mode)


def check(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> None:
    """Send requests to an operation, valid or invalid ones, and run all checks on the answers."""

    @settings(
        max_examples=10 if EVERY_CALL else 3,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check_case(case: schemathesis.Case) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:
            # only the server can write a token
            case.query.pop("next_token", None)
            if case.operation.path.endswith("/registration") and case.method == "PUT":
                # whether a consent holds depends on the day
                case.body = {"consent": "2020-01-01", "expires": "2099-01-01"}
            if case.media_type == "multipart/form-data":
                case.body.update({name: GROUP for name in FILES if name in case.body})
        case.call_and_validate()

    check_case()


@pytest.mark.long
def test_schemathesis_finds_nothing_with_all_checks(server: RestServer) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.address}/openapi.json"]
    options = ["--max-examples", "3", "--seed", "1", "--continue-on-failure", "--no-color"]
    ids = sorted(operations(server.app.openapi()))
    for number in takewhile(lambda number: number < len(ids), every_nth("schemathesis", 4)):
        options += ["--include-operation-id", ids[number]]
    ended = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-20000:]


def test_no_address_is_that_of_two_routes(server: RestServer) -> None:
    """A person may have the name of what follows in another path."""
    paths = [path.split("/") for path in server.app.openapi()["paths"]]
    for one, other in combinations(paths, 2):
        same = len(one) == len(other) and all(
            here == there or "{" in here + there for here, there in zip(one, other, strict=True)
        )
        assert not same, f"{one} {other}"


def test_operations_have_short_ids_and_a_way_to_authenticate(server: RestServer) -> None:
    document = server.app.openapi()
    assert {name for name in operations(document) if len(name) > 20 or "api" in name} == set()
    assert document["security"][0] == {}
    assert document["components"]["securitySchemes"].keys() == {"token", "signature"}


def test_every_reference_leads_to_a_component(server: RestServer) -> None:
    document = server.app.openapi()
    components = document["components"]["schemas"]

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    assert set(references(document)) == {f"#/components/schemas/{name}" for name in components}


def test_the_docs_list_every_route(server: RestServer) -> None:
    listed = set()
    for row in re.findall(r"^\| (`[A-Z]+.*?) \| ", (ROOT / "docs/api.md").read_text("utf-8"), re.M):
        methods = []
        for named in re.findall("`(.+?)`", row):
            method, _, path = named.partition(" ")
            methods.append(method.lower())
            if path:
                whole = path.replace("...", "/api/v1/collections/{id}")
                listed |= {(each, _without_names(whole)) for each in methods}
                methods = []
    routes = {
        (method, _without_names(path))
        for method, path in operations(server.app.openapi()).values()
        if method != "options"
    }
    assert routes - listed == set()


def _without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
