"""Clients that generators write from the OpenAPI document compile, and their answers are whole."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.clients.conftest import run
from tests.functional.clients.replaying import calls_json, replaying
from tests.support.rest_server import Answered, RestServer, ask_everything, rest_server

PYTHON = Path(".venv-clients/bin/python").absolute()
COMPILE = ("tsc", "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    with rest_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def answers(server: RestServer) -> list[Answered]:
    """Requests for every operation and their answers, successes and problems."""
    return ask_everything(server)


@pytest.fixture
def document(server: RestServer, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(server.app.openapi()))
    return path


def type_name(operation_id: str) -> str:
    return "".join(word.capitalize() for word in operation_id.split("_"))


@pytest.mark.skipif(not PYTHON.exists(), reason="make test installs the generator")
def test_openapi_python_client(
    server: RestServer, document: Path, answers: list[Answered], tmp_path: Path
) -> None:
    generator = PYTHON.with_name("openapi-python-client")
    generated = subprocess.run(
        [generator, "generate", "--path", document, "--output-path", tmp_path / "client"],
        capture_output=True,
        text=True,
        check=True,
    )
    # what it cannot follow is a warning, and missing from the client
    assert "WARNING" not in generated.stdout + generated.stderr
    (tmp_path / "calls.json").write_text(calls_json(answers))
    checker = Path(__file__).with_name("check_python_client.py")
    with replaying(server.app.openapi(), answers) as address:
        checked = subprocess.run(
            [PYTHON, checker, tmp_path, address], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout == f"{len(answers)} answers\n"


@pytest.mark.long
def test_openapi_typescript(
    server: RestServer, document: Path, answers: list[Answered], project: Path
) -> None:
    """It generates types of requests and answers only: the compiler checks what is sent."""
    run(project, "openapi-typescript", str(document), "-o", "types.ts")
    lines = ["import { check, done } from './typed_requests';", "async function main() {"]
    for answer in answers:
        request = answer.request
        sent: dict[str, Any] = {"path": answer.parameters} if answer.parameters else {}
        if "params" in request:
            sent["query"] = request["params"]
        if "json" in request:
            sent["json"] = request["json"]
        files = {name: in_base64(content) for name, content in request.get("files", {}).items()}
        if files:
            fields = request["data"].items()
            sent["form"] = files | {name: typed(value) for name, value in fields}
        # the compiler refuses objects with properties that their type lacks, or without those
        # that it requires
        named = (answer.operation_id, answer.method.upper(), answer.path, sent, [*files])
        expected = [answer.status] if answer.document is None else [answer.status, answer.document]
        lines.append(f"await check({', '.join(map(json.dumps, [*named, *expected]))});")
    compile_and_run(server, answers, project, [*lines, "done(); }"], "typed_requests.ts")


@pytest.mark.long
def test_hey_api(
    server: RestServer, document: Path, answers: list[Answered], project: Path
) -> None:
    run(project, "openapi-ts", "-i", str(document), "-o", "client", "--no-log-file")
    # of an operation with JSON and forms, its functions send JSON
    answers = [answer for answer in answers if "files" not in answer.request]
    lines = [
        "import * as sdk from './client';",
        "import { check, checkFile, done } from './generated_functions';",
        "async function main() {",
    ]
    for number, answer in enumerate(answers):
        sent: dict[str, Any] = {"path": answer.parameters} if answer.parameters else {}
        if "params" in answer.request:
            sent["query"] = answer.request["params"]
        if "json" in answer.request:
            sent["body"] = answer.request["json"]
        words = type_name(answer.operation_id)
        function = {"Export": "export_"}.get(words, words[0].lower() + words[1:])
        asked = f"await sdk.{function}({json.dumps(sent)})"
        if answer.document is None:
            call = f"checkFile({asked}, '{in_base64(answer.content)}')"
            lines.append(
                f"await {call};" if answer.content else f"check({asked}, {answer.status});"
            )
        else:
            of = "Responses" if answer.status < 400 else "Errors"
            kind = f"sdk.{words}{of}[{answer.status}]"
            lines.append(f"const answer{number}: {kind} = {json.dumps(answer.document)};")
            lines.append(f"check({asked}, {answer.status}, answer{number});")
    compile_and_run(server, answers, project, [*lines, "done(); }"], "generated_functions.ts")


def compile_and_run(
    server: RestServer, answers: list[Answered], project: Path, lines: list[str], helper: str
) -> None:
    """Compile a program that asks for all answers, and run it."""
    copy = project / helper
    copy.write_text(Path(__file__).with_name(helper).read_text())
    (project / "program.ts").write_text("\n".join([*lines, "void main();"]))
    run(project, *COMPILE, "--module", "commonjs", "--outDir", "js", "program.ts")
    with replaying(server.app.openapi(), answers) as address:
        assert run(project, "node", "js/program.js", address) == f"{len(answers)} answers\n"


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def typed(value: str) -> str | int:
    """Return a field of a form as its type is described."""
    return int(value) if value.isdigit() else value
