"""The contracts of ``facerec/schemas`` as components of the OpenAPI document."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

ANSWERS = (
    "association",
    "collection",
    "collection-list",
    "compare-result",
    "detect-result",
    "face",
    "face-list",
    "face-match-result",
    "health",
    "index-result",
    "job",
    "job-list",
    "ledger-row",
    "match-result",
    "people-match-result",
    "person",
    "person-list",
    "photo-faces",
    "problem",
    "receipt",
    "receipt-list",
    "report",
)
"""The schemas that answers have, and those that they refer to."""

_COMPONENTS = "#/components/schemas/"


def components() -> dict[str, Any]:
    """Return the schemas by name, their references pointing into the OpenAPI document."""
    return {name: _relocated(_schema(name), name) for name in ANSWERS}


def answer(description: str, name: str) -> dict[str, Any]:
    """Return how the OpenAPI document describes an answer that has a schema."""
    media_type = "application/problem+json" if name == "problem" else "application/json"
    schema = {"$ref": f"{_COMPONENTS}{name}"}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _schema(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((files("facerec") / "schemas" / f"{name}.json").read_text("utf-8"))


def _relocated(schema: Any, home: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return [_relocated(item, home) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {}
    for key, value in schema.items():
        if key == "$ref":
            file, _, pointer = value.partition("#")
            moved[key] = f"{_COMPONENTS}{file.removesuffix('.json') or home}{pointer}"
        elif key not in ("$schema", "$id"):
            moved[key] = _relocated(value, home)
    return moved
