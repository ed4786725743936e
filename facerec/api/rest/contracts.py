"""The contracts of ``facerec/schemas`` as components of the OpenAPI document.

The files use nested definitions, and types that extend others. Generators of clients support
neither. So every object with a title becomes a component, with all properties of the types that it
extends. Everything else is copied to where it is used.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

_ANSWERS = (
    "association",
    "cluster",
    "cluster-list",
    "clustering",
    "clustering-job",
    "collection",
    "collection-list",
    "compare-result",
    "correction-list",
    "detect-result",
    "export",
    "enrolment",
    "face-list",
    "face-match-result",
    "find-result",
    "health",
    "history",
    "history-entry",
    "index-result",
    "job",
    "job-list",
    "match-event-list",
    "match-result",
    "migration",
    "migration-page",
    "people-match-result",
    "person",
    "person-list",
    "problem",
    "receipt",
    "receipt-list",
    "stats-refresh",
)
"""The schemas of answers."""

_COMPONENTS = "#/components/schemas/"

_ANNOTATIONS = frozenset({"$ref", "description", "unevaluatedProperties"})
"""Keywords beside a reference that do not change the type, since all objects are closed."""


@cache
def components() -> dict[str, Schema]:
    """Return the schemas of answers, and of all objects in them, by name."""
    found: dict[str, Schema] = {}
    for name in _ANSWERS:
        _resolve({"$ref": f"{name}.json"}, found)
    return found


def response_doc(description: str, name: str) -> dict[str, Any]:
    """Return the OpenAPI description of a response with a schema of ``facerec.schemas``."""
    media_type = "application/problem+json" if name == "problem" else "application/json"
    return {
        "description": description,
        "content": {media_type: {"schema": _resolve({"$ref": f"{name}.json"}, {})}},
    }


def _resolve(schema: Any, found: dict[str, Schema]) -> Any:  # noqa: ANN401 - JSON
    """Return a schema whose references lead to components, and add the components to ``found``.

    Raises:
        ValueError: Two different schemas have one title.
    """
    if isinstance(schema, list):
        return [_resolve(item, found) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = _lookup(schema["$ref"])
        if not schema.keys() <= _ANNOTATIONS:
            return _resolve(_extended(schema), found)
        resolved = _resolve(target, found)
        described = {key: schema[key] for key in ("description",) if key in schema}
        return resolved | described
    flat: Schema = {
        key: {name: _resolve(value, found) for name, value in part.items()}
        if key == "properties"
        else _resolve(part, found)
        for key, part in schema.items()
        if key not in ("$schema", "$id", "$defs", "unevaluatedProperties")
    }
    if "properties" not in flat:
        return flat
    flat.setdefault("additionalProperties", False)
    if "title" not in flat:
        return flat
    name = "".join(word.capitalize() for word in flat["title"].split())
    if found.setdefault(name, flat) != flat:
        raise ValueError(f"two schemas have the title {flat['title']!r}")
    return {"$ref": f"{_COMPONENTS}{name}"}


def _extended(schema: Schema) -> Schema:
    """Return an object that extends another, with the properties of both."""
    base = _lookup(schema["$ref"])
    if "$ref" in base:
        base = _extended(base)
    own = {key: value for key, value in schema.items() if key != "$ref"}
    base = {key: value for key, value in base.items() if key not in ("title", "description")}
    return {
        **base,
        **own,
        "required": [*base.get("required", ()), *own.get("required", ())],
        "properties": base.get("properties", {}) | own.get("properties", {}),
    }


def _lookup(reference: str) -> Schema:
    """Return the target of a reference."""
    file, _, pointer = reference.partition("#")
    schema = _schema(file)
    for step in pointer.split("/")[1:]:
        schema = schema[step]
    return schema


@cache
def _schema(file: str) -> Schema:
    """Return a schema file, with references that include the name of their file."""
    text = (files("facerec") / "schemas" / file).read_text("utf-8")
    schema: Schema = json.loads(text.replace('"$ref": "#', f'"$ref": "{file}#'))
    return schema
