"""Creates dataclasses from JSON objects of this and other releases, and checks their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from facerec.core.checks import is_number
from facerec.core.times import iso_time

Read = TypeVar("Read")


def from_fields(kind: type[Read], document: Mapping[str, Any]) -> Read:
    """Create an instance of a dataclass from a JSON object with its fields.

    Other fields are ignored, and those with a default may be missing: the object may come from a
    later or an earlier release.

    Raises:
        KeyError: A field without a default is missing.
    """
    named = {
        each.name: each.default is MISSING and each.default_factory is MISSING
        for each in fields(kind)  # type: ignore[arg-type]  # a dataclass
        if each.init
    }
    wanted = [name for name, required in named.items() if required or name in document]
    return kind(**{name: document[name] for name in wanted})


def of_type(kind: type[Read], value: object) -> Read:
    """Return a value of JSON that has a type.

    Raises:
        TypeError: It has another type.
    """
    if not isinstance(value, kind):
        raise TypeError(f"not of type {kind.__name__}")
    return value


def text(value: object) -> str:
    """Return a value of JSON that is a text, which may be the path of a file.

    Raises:
        TypeError: It is not a text.
        ValueError: It cannot be encoded.
    """
    found = of_type(str, value)
    # Paths may have bytes that are not UTF-8.
    found.encode("utf-8", "surrogateescape")
    return found


def texts(value: object) -> list[str]:
    """Return a value of JSON that is a list of texts.

    Raises:
        TypeError or ValueError: It is not.
    """
    return [text(each) for each in of_type(list, value)]


def time(value: object) -> float:
    """Return a value of JSON that is a time in seconds since 1970.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not a time that can be written as a date.
    """
    if not is_number(value):
        raise TypeError("not a number")
    try:
        iso_time(value)  # type: ignore[arg-type]  # a number
    except (OverflowError, OSError) as error:
        raise ValueError("not a time") from error
    return value  # type: ignore[return-value]  # a number


def optional_time(value: object) -> float | None:
    """Return a value of JSON that is a time like ``time``, or null.

    Raises:
        TypeError or ValueError: It is neither.
    """
    return None if value is None else time(value)
