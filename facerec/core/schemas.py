"""Validates documents against the JSON schemas in ``facerec/schemas``."""

from __future__ import annotations

import json
import pkgutil
import re
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from facerec.core.schema_rules import UnknownRuleError, satisfies
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_FIELD = re.compile(r"[a-z][a-z_]{0,39}")
"""Matches texts that look like names of fields, rather than of people or photos."""


@cache
def _schema(file: str) -> Any:  # noqa: ANN401 - JSON
    # importlib.resources takes longer to import than the schema takes to read.
    return json.loads(pkgutil.get_data("facerec", f"schemas/{file}") or b"")


@cache
def _validator(name: str) -> Any:  # noqa: ANN401 - the class depends on the schema's draft
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    registry: Any = Registry(retrieve=lambda file: Resource.from_contents(_schema(file)))  # type: ignore[call-arg]
    return Draft202012Validator(_schema(f"{name}.json"), registry=registry)


def violation(name: str, document: object) -> str | None:
    """Return a one-line description of how a document violates a schema, or None if it is valid.

    The description names the field, and contains no text of the document other than names of
    fields: values may be names of people, and the description is kept in causes of executions and
    in files.

    Args:
        name: Name of the schema file, without ``.json``.
        document: The parsed JSON.
    """
    with suppress(UnknownRuleError):
        if satisfies(f"{name}.json", document, _schema):
            return None
    errors = _validator(name).iter_errors(document)
    first = next(errors, None)
    if first is None:
        return None
    from jsonschema.exceptions import best_match

    worst = _innermost(best_match(chain((first,), errors)))
    message = " ".join(_without_values(worst).split())
    field = worst.json_path.removeprefix("$").removeprefix(".")
    return f"{field}: {message}" if field else message


def _innermost(error: ValidationError) -> ValidationError:
    """Return the error in the only alternative of a schema that matches the type of the value.

    If there is not exactly one such alternative, return the error itself.
    """
    from jsonschema.exceptions import best_match

    alternatives: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        alternatives.setdefault(each.relative_schema_path[0], []).append(each)
    fitting = [
        errors
        for errors in alternatives.values()
        if not any(each.validator == "type" and not each.relative_path for each in errors)
    ]
    return _innermost(best_match(fitting[0])) if len(fitting) == 1 else error


def _without_values(error: ValidationError) -> str:
    if error.validator == "additionalProperties":
        document: Any = error.instance
        schema: Any = error.schema
        unknown = sorted(set(document) - set(schema.get("properties", {})))
        named = [repr(name) for name in unknown if _FIELD.fullmatch(name)]
        return f"unknown fields: {', '.join(named) or len(unknown)}"
    if error.validator == "pattern":
        # The rest excludes a line break at the end, which "$" accepts in Python.
        pattern = str(error.validator_value).removesuffix(r"(?![\s\S])")
        return f"the value does not match the pattern {pattern}"
    if isinstance(error.instance, str | list | dict):
        return str(error.message).replace(repr(error.instance), "the value")
    return str(error.message)


def check(name: str, document: object, what: str) -> None:
    """Check a document against a schema.

    Args:
        name: Name of the schema file, without ``.json``.
        document: The parsed JSON.
        what: The document's name in the message of the error.

    Raises:
        InvalidInputError: The document is invalid; the message names the field.
    """
    wrong = violation(name, document)
    if wrong:
        raise InvalidInputError(f"{what} is not valid: {wrong}")
