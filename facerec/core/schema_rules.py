"""Checks the rules of JSON Schema that facerec's schemas use, without a library.

Importing ``jsonschema`` takes longer than the rest of a command that reads a plan. So a document
that satisfies its schema by these rules is accepted; ``jsonschema`` decides about all others, and
describes what is wrong with them. ``tests/unit/test_schemas.py`` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

ReadSchema = Callable[[str], Any]
"""Returns the schema in a file, such as ``plan.json``."""

Rule = Callable[[Any, Any, dict[str, Any], "_References"], bool]
"""Returns whether a value satisfies a keyword. It is called with the keyword's argument, the value,
the schema that contains the keyword, and the references of that schema."""


class UnknownRuleError(Exception):
    """A schema has a keyword that is not among these rules."""


def satisfies(file: str, value: object, read: ReadSchema) -> bool:
    """Return whether a value satisfies the schema in a file.

    Raises:
        UnknownRuleError: The schema has a keyword that is not among these rules.
    """
    return _satisfies(read(file), value, _References(file, read))


class _References:
    """Resolves the references in the schema of a file."""

    def __init__(self, file: str, read: ReadSchema) -> None:
        self._file = file
        self._read = read

    def satisfied(self, reference: str, value: object) -> bool:
        """Return whether a value satisfies the schema that a ``$ref`` names."""
        file, _, pointer = reference.partition("#")
        file = file or self._file
        schema = self._read(file)
        for name in pointer.split("/")[1:]:
            schema = schema[name]
        return _satisfies(schema, value, _References(file, self._read))


def _satisfies(schema: dict[str, Any] | bool, value: object, references: _References) -> bool:
    if isinstance(schema, bool):
        return schema
    for keyword, argument in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _RULES:
            raise UnknownRuleError(keyword)
        if not _RULES[keyword](argument, value, schema, references):
            return False
    return True


def _type(names: str | list[str], value: object, *_: object) -> bool:
    return any(_TYPES[name](value) for name in ([names] if isinstance(names, str) else names))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return _is_number(value) and (not isinstance(value, float) or value.is_integer())


def _equals(one: object, other: object, *_: object) -> bool:
    # In JSON, true is not 1.
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _properties(schemas: dict[str, Any], value: object, _: object, references: _References) -> bool:
    return not isinstance(value, dict) or all(
        _satisfies(schemas[name], member, references)
        for name, member in value.items()
        if name in schemas
    )


def _additional_properties(
    others: dict[str, Any] | bool, value: object, schema: dict[str, Any], references: _References
) -> bool:
    named = schema.get("properties", {})
    return not isinstance(value, dict) or all(
        _satisfies(others, member, references)
        for name, member in value.items()
        if name not in named
    )


def _items(schema: dict[str, Any], value: object, _: object, references: _References) -> bool:
    return not isinstance(value, list) or all(
        _satisfies(schema, each, references) for each in value
    )


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": _is_integer,
}

_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "format"})
"""Keywords that restrict nothing. The ``format`` of a text is an annotation."""

_RULES: dict[str, Rule] = {
    "$ref": lambda name, value, _, references: references.satisfied(name, value),
    "type": _type,
    "const": _equals,
    "enum": lambda choices, value, *_: any(_equals(each, value) for each in choices),
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "required": lambda names, value, *_: (
        not isinstance(value, dict) or all(name in value for name in names)
    ),
    "items": _items,
    "minItems": lambda least, value, *_: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda most, value, *_: not isinstance(value, list) or len(value) <= most,
    "minLength": lambda least, value, *_: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda most, value, *_: not isinstance(value, str) or len(value) <= most,
    "pattern": lambda pattern, value, *_: (
        not isinstance(value, str) or re.search(pattern, value) is not None
    ),
    # Written so that NaN, for which all comparisons are false, satisfies them, as in jsonschema.
    "minimum": lambda least, value, *_: not (_is_number(value) and value < least),
    "maximum": lambda most, value, *_: not (_is_number(value) and value > most),
    "exclusiveMinimum": lambda bound, value, *_: not (_is_number(value) and value <= bound),
    "anyOf": lambda schemas, value, _, references: any(
        _satisfies(each, value, references) for each in schemas
    ),
    "oneOf": lambda schemas, value, _, references: (
        sum(_satisfies(each, value, references) for each in schemas) == 1
    ),
}
"""The supported keywords. They do not include ``patternProperties`` and ``prefixItems``, which
would change the meaning of ``additionalProperties`` and ``items``."""
