"""Sends requests with a client of openapi-python-client: python check_python_client.py FOLDER URL.

The folder has the client, and ``calls.json``: requests and the answers to them. Runs in the
environment of the generator, which has the packages that the client needs.
"""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints


def main(folder: Path, address: str) -> None:
    """Send each request with the generated client, and compare what it makes of the answer."""
    sys.path.insert(0, str(folder / "client"))
    package = importlib.import_module("facerec_client")
    modules = {
        name: importlib.import_module(name)
        for _, name, _ in pkgutil.walk_packages(package.__path__, "facerec_client.")
    }
    operations = {
        name.rpartition(".")[2]: module for name, module in modules.items() if ".api." in name
    }
    client = package.Client(base_url=address)
    calls = json.loads((folder / "calls.json").read_text())
    for call in calls:
        answered = ask(client, operations[call["id"]], call)
        if answered.status_code != call["status"]:
            raise SystemExit(f"{call['id']}: {answered}")
        parsed = answered.parsed
        if call["document"] is not None:
            same = parsed is not None and normal(parsed.to_dict()) == normal(call["document"])
        elif call["content"]:
            same = parsed.payload.read() == base64.b64decode(call["content"])
        else:
            same = parsed is None
        if not same:
            raise SystemExit(f"{call['id']} {call['status']}: {parsed}\n{call['document']}")
    print(f"{len(calls)} answers")  # noqa: T201


def ask(client: Any, operation: ModuleType, call: dict[str, Any]) -> Any:  # noqa: ANN401
    """Send a request."""
    arguments: dict[str, Any] = {**call["path"], **call["query"]}
    kind = get_type_hints(operation.sync_detailed).get("body")
    if kind is not None:
        # an operation that takes JSON and forms has a class for each
        kinds = [each for each in get_args(kind) or (kind,) if hasattr(each, "from_dict")]
        if call["form"] is None:
            (chosen,) = [each for each in kinds if not hasattr(each, "to_multipart")]
            arguments["body"] = chosen.from_dict(call["json"])
        else:
            (chosen,) = [each for each in kinds if hasattr(each, "to_multipart")]
            files = {name: base64.b64decode(content) for name, content in call["files"].items()}
            arguments["body"] = chosen.from_dict({**call["form"], **files})
    return operation.sync_detailed(client=client, **arguments)


def normal(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value whose times can be compared; there are several ways to write one."""
    if isinstance(value, dict):
        return {key: normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    if isinstance(value, str) and value[4:5] == "-" and "T" in value:
        return datetime.fromisoformat(value)
    return value


main(Path(sys.argv[1]), sys.argv[2])
