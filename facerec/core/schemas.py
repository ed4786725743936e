"""Validation of documents against the JSON schemas in ``facerec/schemas``."""

from __future__ import annotations

import json
import pkgutil
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any

from facerec.core.schema_rules import UnknownRuleError, satisfies
from facerec.errors import InvalidInputError


@cache
def _schema(file: str) -> Any:  # noqa: ANN401 - JSON
    # Not by importlib.resources, which takes longer to import than the schema to read.
    return json.loads(pkgutil.get_data("facerec", f"schemas/{file}") or b"")


@cache
def _validator(name: str) -> Any:  # noqa: ANN401 - the class depends on the schema's draft
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    registry: Any = Registry(retrieve=lambda file: Resource.from_contents(_schema(file)))  # type: ignore[call-arg]
    return Draft202012Validator(_schema(f"{name}.json"), registry=registry)


def violation(name: str, document: object) -> str | None:
    """Return a one-line description of how a document violates a schema, or None if it is valid.

    Args:
        name: name of the schema file, without ``.json``.
        document: the parsed JSON.
    """
    with suppress(UnknownRuleError):
        if satisfies(f"{name}.json", document, _schema):
            return None
    errors = _validator(name).iter_errors(document)
    first = next(errors, None)
    if first is None:
        return None
    from jsonschema.exceptions import best_match

    worst = best_match(chain((first,), errors))
    message = " ".join(worst.message.split())
    field = worst.json_path.removeprefix("$").removeprefix(".")
    return f"{field}: {message}" if field else message


def check(name: str, document: object, what: str) -> None:
    """Check a document against a schema.

    Args:
        name: name of the schema file, without ``.json``.
        document: the parsed JSON.
        what: the document's name in the message of the error.

    Raises:
        InvalidInputError: the document is invalid; the message names the field.
    """
    wrong = violation(name, document)
    if wrong:
        raise InvalidInputError(f"{what} is not valid: {wrong}")
