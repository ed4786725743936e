"""Checks answers against a client of openapi-python-client: python check_python_client.py FOLDER.

The folder has the client, and ``answers.json``: operation id, status and document of each answer.
Runs in the environment of the generator, which has the packages that the client needs.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx


def main(folder: Path) -> None:
    """Parse each answer with the generated client, and compare."""
    sys.path.insert(0, str(folder / "client"))
    package = importlib.import_module("facerec_client")
    modules = {
        name: importlib.import_module(name)
        for _, name, _ in pkgutil.walk_packages(package.__path__, "facerec_client.")
    }
    operations = {
        name.rpartition(".")[2]: module for name, module in modules.items() if ".api." in name
    }
    client = package.Client(base_url="http://localhost")
    answers = json.loads((folder / "answers.json").read_text())
    for operation_id, status, document in answers:
        response = httpx.Response(status, json=document)
        parsed = operations[operation_id]._parse_response(client=client, response=response)
        if parsed is None or normal(parsed.to_dict()) != normal(document):
            raise SystemExit(f"{operation_id} {status}: {parsed}\n{document}")
    print(f"{len(answers)} answers")  # noqa: T201


def normal(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value whose times can be compared; there are several ways to write one."""
    if isinstance(value, dict):
        return {key: normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    if isinstance(value, str) and value[4:5] == "-" and "T" in value:
        return datetime.fromisoformat(value)
    return value


main(Path(sys.argv[1]))
