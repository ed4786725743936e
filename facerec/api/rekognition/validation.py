"""Validates requests against the shapes of Rekognition's service model.

botocore checks types and required members before it sends a request, but leaves patterns, enums and
most bounds to the service. This module checks all of them and answers as Rekognition does: with a
``SerializationException`` if the request cannot be parsed, and otherwise with one
``ValidationException`` that lists every violated constraint.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NoReturn

from facerec.api.rekognition.errors import RekognitionError, malformed

MAX_SHOWN_VALUE = 64
"""Maximum number of characters of a value that an error message repeats."""

_UNICODE_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": " \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
"""Java's Unicode classes in the patterns of tags, in Python's notation."""


def parse_request(body: bytes, shape: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's shapes
    """Return the members of a request that the model defines, with blobs decoded.

    Args:
        body: The JSON document as sent.
        shape: botocore's ``StructureShape`` of the operation's input.

    Raises:
        RekognitionError: The document is malformed or violates a constraint.
    """
    try:
        document = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise malformed("the request is not JSON") from error
    request: dict[str, Any] = _decoded(document, shape, "request")
    violations = list(_violations(request, shape, ""))
    if violations:
        raise RekognitionError(
            "ValidationException",
            f"{len(violations)} validation error{'s' * (len(violations) > 1)} detected: "
            + "; ".join(violations),
        )
    return request


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _decoded(value: Any, shape: Any, path: str) -> Any:  # noqa: ANN401
    """Convert a JSON value to the Python type of its shape; null members count as absent."""
    decode = _DECODERS[shape.type_name]
    return decode(value, shape, path)


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise malformed(f"{path} is not an object")
    return {
        name: _decoded(value[name], member, name)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _list(value: Any, shape: Any, path: str) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise malformed(f"{path} is not a list")
    return [_decoded(item, shape.member, path) for item in value]


def _map(value: Any, shape: Any, path: str) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise malformed(f"{path} is not an object")
    return {key: _decoded(item, shape.value, path) for key, item in value.items()}


def _string(value: Any, _shape: Any, path: str) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise malformed(f"{path} is not a string")
    return value


def _integer(value: Any, _shape: Any, path: str) -> int:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise malformed(f"{path} is not an integer")
    return int(value)


def _float(value: Any, _shape: Any, path: str) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{path} is not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise malformed(f"{path} is too large") from error


def _blob(value: Any, _shape: Any, path: str) -> bytes:  # noqa: ANN401
    try:
        return base64.b64decode(_string(value, _shape, path), validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(f"{path} is not base64") from error


_DECODERS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "float": _float,
    "blob": _blob,
}


def _violations(value: Any, shape: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    """Yield a sentence for every constraint that a value, or a value in it, violates."""
    for constraint in _own_violations(value, shape):
        shown = "" if isinstance(value, bytes | list | dict) else f" '{_shown(value)}'"
        yield f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            where = f"{path}.{_lower(name)}" if path else _lower(name)
            if name in value:
                yield from _violations(value[name], member, where)
            elif name in shape.required_members:
                yield (
                    f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
                )
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _violations(item, shape.member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _violations(key, shape.key, f"{path}.key")
            yield from _violations(item, shape.value, f"{path}.{_shown(key)}.value")


def _own_violations(value: Any, shape: Any) -> Iterator[str]:  # noqa: ANN401
    limits = shape.metadata
    measured, noun = (value, "value") if isinstance(value, int | float) else (len(value), "length")
    if "min" in limits and measured < limits["min"]:
        yield f"Member must have {noun} greater than or equal to {limits['min']}"
    if "max" in limits and measured > limits["max"]:
        yield f"Member must have {noun} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    for java, python in _UNICODE_CLASSES.items():
        pattern = pattern.replace(java, python)
    # Java's $ would also accept a final line end; fullmatch with \Z does not
    return re.compile(pattern.replace("$", r"\Z"))


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:  # noqa: ANN401
    shown = str(value)
    return shown if len(shown) <= MAX_SHOWN_VALUE else shown[:MAX_SHOWN_VALUE] + "..."
