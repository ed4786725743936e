"""Rules for the fields of a request, which extend its JSON schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

Rule: TypeAlias = Callable[[Schema], None]
"""Extends the schema of a request by a rule."""


def without_nulls(schema: Schema) -> None:
    """Describe optional fields as fields that may be omitted, instead of as nullable.

    Defaults are stated in descriptions only: some generators of clients require fields with a
    default.
    """
    for name, field in schema.get("properties", {}).items():
        default = field.pop("default", None)
        if default not in (None, ""):
            field["description"] = f"{field['description']} By default {json.dumps(default)}."
        values = [value for value in field.get("anyOf", ()) if value != {"type": "null"}]
        if len(values) == 1:
            rest = {key: value for key, value in field.items() if key != "anyOf"}
            schema["properties"][name] = values[0] | rest


def all_of(*rules: Rule) -> Rule:
    """Return a schema extension that applies several others, in order."""

    def extend(schema: Schema) -> None:
        for rule in rules:
            rule(schema)

    return extend


def not_both(one: str, other: str) -> Rule:
    """Return a schema extension that refuses two fields together."""

    def extend(schema: Schema) -> None:
        _add(schema, {"not": {"required": [one, other]}})

    return extend


def at_least_one(*names: str) -> Rule:
    """Return a schema extension that requires at least one of some fields."""

    def extend(schema: Schema) -> None:
        _add(schema, _any_of(list(names)))

    return extend


def exactly_one(
    *groups: tuple[str, ...],
    **only_with: tuple[str, ...],
) -> Rule:
    """Return a schema extension that requires exactly one of some groups of fields.

    The rules are in ``allOf``, where generators of clients do not mistake them for types.

    Args:
        groups: Fields that are given together; a request has exactly one of these groups.
        only_with: Other fields of which one must be given with a field, by the name of that field.
            False is always allowed: some clients send it for a field that is not set.
    """
    names = dict.fromkeys(name for group in groups for name in group)

    def extend(schema: Schema) -> None:
        without_nulls(schema)
        choices = []
        for group in groups:
            others = [name for name in names if name not in group]
            choice: Schema = {"required": list(group), "not": _any_of(others)}
            unset = {
                name: {"const": False}
                for name, needed in only_with.items()
                if not set(needed) & set(group) and _is_boolean(schema, name)
            }
            forbidden = [
                name
                for name, needed in only_with.items()
                if not set(needed) & set(group) and not _is_boolean(schema, name)
            ]
            if unset:
                choice["properties"] = unset
            if forbidden:
                choice["not"] = _any_of([*others, *forbidden])
            choices.append(choice)
        _add(schema, {"oneOf": choices})

    return extend


def _add(schema: Schema, rule: Schema) -> None:
    without_nulls(schema)
    schema.setdefault("allOf", []).append(rule)


def _any_of(names: list[str]) -> Schema:
    return {"anyOf": [{"required": [name]} for name in names]}


def _is_boolean(schema: Schema, name: str) -> bool:
    return bool(schema["properties"][name].get("type") == "boolean")
