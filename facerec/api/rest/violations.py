"""Describes invalid values of a request in sentences that state what to send instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_SENTENCES = 10
"""Maximum number of violations that an answer lists."""

_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is unknown here; omit it",
    "string_type": "must be a string, in quotes",
    "string_unicode": "must be valid Unicode",
    "string_sub_type": "must be a string, in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list, in brackets",
    "dict_type": "must be an object, in braces",
    "model_type": "must be an object, in braces",
    "model_attributes_type": "must be an object, in braces",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "literal_error": "must be {expected}",
    "json_invalid": "is not valid JSON: {error}",
}
"""A sentence about each type of violation
(https://docs.pydantic.dev/latest/errors/validation_errors/)."""

_NO_BODY = "send a JSON object with Content-Type: application/json"


def sentences_of(violations: list[Any]) -> str:
    """Return sentences about the violations: each with its position and the remedy, but no value.

    Args:
        violations: As pydantic lists them; those after the first ``MAX_SENTENCES`` are omitted.
    """
    return "; ".join(map(_sentence, violations[:MAX_SENTENCES]))


def _sentence(violation: Mapping[str, Any]) -> str:
    place = [str(part) for part in violation["loc"]]
    kind, context = violation["type"], violation.get("ctx") or {}
    if place == ["body"] and kind == "missing":
        return f"body: {_NO_BODY}"
    if kind == "json_invalid":
        place = ["body"]  # The position is part of the message.
    if kind not in _SENTENCES:
        # The validators of these models raise complete sentences.
        message = str(violation["msg"]).removeprefix("Value error, ")
        return f"{'.'.join(place)}: {message}"
    shown = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()
    }
    sentence = _SENTENCES[kind].format_map(shown)
    if context.get("min_length") == 1:
        sentence = "must not be empty"
    return f"{'.'.join(place)} {sentence}"
