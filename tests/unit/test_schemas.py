"""The rules that documents are checked by first agree with jsonschema."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from facerec.core.schema_rules import UnknownRuleError, satisfies

FOLDER = Path(__file__).resolve().parents[2] / "facerec" / "schemas"
SCHEMAS: dict[str, Any] = {
    path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")
}
REGISTRY: Any = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
READ = ("access-table", "execution-input", "inventory-manifest", "manifest-line", "plan")
"""Schemas of documents that commands, children and functions read at their start."""

VALUES = [
    *(None, True, False, 0, 1, 2, -1, 20, 100, 101, 10**7, 0.0, 0.5, 1.0, 2.0, 1.5, math.nan),
    *("", "a", "staff", "a.b-c:d", "folder/", "two\nlines", "a\n", "x" * 256, "0" * 64, "ü"),
    *("https://example.org", "2026-01-31", "0b3ef9ad-2b8c-4d5e-9d2c-5d0f4a6f7b11"),
    *("arn:aws:iam::123456789012:root", [], [1], ["a", "b"], ["a", "a"], {}, {"other": 1}),
]


def parts(schema: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema, and the schemas within it."""
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(each, dict | list):
            yield from parts(each)


def documents(schema: Any, file: str) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any JSON
    """Return values that come near to satisfying a schema."""
    if not isinstance(schema, dict):
        return st.sampled_from(VALUES)
    if "$ref" in schema:
        other, _, pointer = schema["$ref"].partition("#")
        target = SCHEMAS[other or file]
        for name in pointer.split("/")[1:]:
            target = target[name]
        return documents(target, other or file)
    choices = [*VALUES, *schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    ways: list[st.SearchStrategy[Any]] = [st.sampled_from(choices)]
    ways += [documents(each, file) for kind in ("oneOf", "anyOf") for each in schema.get(kind, ())]
    if "items" in schema:
        ways.append(st.lists(documents(schema["items"], file), max_size=3))
    if "properties" in schema:
        members = {name: documents(each, file) for name, each in schema["properties"].items()}
        required = {
            name: members.pop(name) for name in schema.get("required", ()) if name in members
        }
        ways.append(st.fixed_dictionaries(required, optional=members))
    return st.one_of(ways)


KEYWORDS: list[dict[str, Any]] = [
    *({"type": name} for name in ("object", "array", "string", "boolean", "null", "number")),
    *({"type": "integer"}, {"type": ["integer", "null"]}, {"const": 1}, {"const": True}),
    *({"enum": [0, "a", None]}, {"minimum": 1}, {"maximum": 100}, {"exclusiveMinimum": 0}),
    *({"minItems": 1}, {"maxItems": 1}, {"minLength": 1}, {"maxLength": 1}, {"pattern": "^a"}),
    *({"items": {"type": "string"}}, {"items": False}, {"required": ["other"]}),
    *({"properties": {"other": {"const": 2}}}, {"additionalProperties": {"type": "string"}}),
    {"properties": {"other": True}, "additionalProperties": False},
    *({kind: [{"type": "integer"}, {"minimum": 1}]} for kind in ("oneOf", "anyOf")),
    {"$ref": "face.json#/$defs/uuid"},
    {"$ref": "#/$defs/own", "$defs": {"own": {"type": "string"}}},
]


@pytest.mark.parametrize("schema", KEYWORDS, ids=json.dumps)
def test_each_keyword_means_what_it_means_to_jsonschema(schema: dict[str, Any]) -> None:
    validator = Draft202012Validator(schema, registry=REGISTRY)
    read = {**SCHEMAS, "own.json": schema}.__getitem__
    for value in VALUES:
        assert satisfies("own.json", value, read) == validator.is_valid(value), value


@cache
def cases(file: str) -> st.SearchStrategy[tuple[dict[str, Any], object]]:
    """Return pairs of a part of the schema in a file and a document for it."""
    found = [part for part in parts(SCHEMAS[file]) if known(part)]
    return st.one_of([st.tuples(st.just(part), documents(part, file)) for part in found])


@pytest.mark.parametrize("file", sorted(SCHEMAS))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_rules_accept_what_jsonschema_accepts(file: str, data: st.DataObject) -> None:
    part, document = data.draw(cases(file))
    # References within a part mean the file that it is from.
    schema = {**part, "$defs": SCHEMAS[file].get("$defs", {})}
    try:
        accepted = satisfies("part.json", document, {**SCHEMAS, "part.json": schema}.__getitem__)
    except UnknownRuleError:
        return
    assert accepted == Draft202012Validator(schema, registry=REGISTRY).is_valid(document)


def known(schema: dict[str, Any]) -> bool:
    """Return whether something is a schema, not a table of schemas by name."""
    return bool({"type", "enum", "const", "oneOf", "anyOf", "$ref"} & schema.keys()) and isinstance(
        schema.get("type", ""), str | list
    )


@pytest.mark.parametrize("name", READ)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_rules_suffice_for_documents_that_are_read_at_a_start(
    name: str, data: st.DataObject
) -> None:
    file = f"{name}.json"
    _, document = data.draw(cases(file))
    satisfies(file, document, SCHEMAS.__getitem__)


@pytest.mark.parametrize("keyword", ["patternProperties", "prefixItems", "not", "uniqueItems"])
def test_a_keyword_without_a_rule_is_not_ignored(keyword: str) -> None:
    with pytest.raises(UnknownRuleError, match=keyword):
        satisfies("own.json", [], {"own.json": {keyword: {}}}.__getitem__)
