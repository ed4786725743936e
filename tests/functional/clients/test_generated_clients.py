"""Clients that generators write from the OpenAPI document compile, and their answers are whole."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.clients.conftest import run
from tests.support.rest_server import Answered, RestServer, ask_everything, rest_server

PYTHON = Path(".venv-clients/bin/python").absolute()
COMPILE = ("tsc", "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    with rest_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def answers(server: RestServer) -> list[Answered]:
    """Answers of every operation, successes and problems."""
    return [answer for answer in ask_everything(server) if answer.document is not None]


@pytest.fixture
def document(server: RestServer, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(server.app.openapi()))
    return path


def type_name(operation_id: str) -> str:
    return "".join(word.capitalize() for word in operation_id.split("_"))


@pytest.mark.skipif(not PYTHON.exists(), reason="make test installs the generator")
def test_openapi_python_client(document: Path, answers: list[Answered], tmp_path: Path) -> None:
    generator = PYTHON.with_name("openapi-python-client")
    generated = subprocess.run(
        [generator, "generate", "--path", document, "--output-path", tmp_path / "client"],
        capture_output=True,
        text=True,
        check=True,
    )
    # what it cannot follow is a warning, and missing from the client
    assert "WARNING" not in generated.stdout + generated.stderr
    (tmp_path / "answers.json").write_text(
        json.dumps([[each.operation_id, each.status, each.document] for each in answers])
    )
    checker = Path(__file__).with_name("check_python_client.py")
    checked = subprocess.run(
        [PYTHON, checker, tmp_path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout == f"{len(answers)} answers\n"


def test_openapi_typescript(document: Path, answers: list[Answered], project: Path) -> None:
    run(project, "openapi-typescript", str(document), "-o", "types.ts")
    # the compiler refuses objects with properties that their type lacks
    lines = [
        "import type { operations } from './types';",
        "type Content<T> = T extends { content: infer C } ? C[keyof C] : never;",
    ]
    for number, answer in enumerate(answers):
        kind = f'Content<operations["{answer.operation_id}"]["responses"][{answer.status}]>'
        lines.append(f"export const answer{number}: {kind} = {json.dumps(answer.document)};")
    (project / "answers.ts").write_text("\n".join(lines))
    run(project, *COMPILE, "--noEmit", "answers.ts")


def test_hey_api(
    server: RestServer, document: Path, answers: list[Answered], project: Path
) -> None:
    run(project, "openapi-ts", "-i", str(document), "-o", "client", "--no-log-file")
    lines = ["import type * as types from './client';"]
    for number, answer in enumerate(answers):
        of = "Responses" if answer.status < 400 else "Errors"
        kind = f"types.{type_name(answer.operation_id)}{of}[{answer.status}]"
        lines.append(f"export const answer{number}: {kind} = {json.dumps(answer.document)};")
    (project / "answers.ts").write_text("\n".join(lines))
    program = Path(__file__).with_name("generated_client.ts").read_text()
    (project / "program.ts").write_text(program)
    run(project, *COMPILE, "--module", "commonjs", "--outDir", "js", "answers.ts", "program.ts")
    printed = run(project, "node", "js/program.js", server.address)
    assert json.loads(printed) == {"decision": "match", "externalImageId": "ann", "status": 404}
