"""Checks the types of arguments from Python programs; commands and the API validate theirs."""

from __future__ import annotations

from numbers import Real


def is_number(value: object) -> bool:
    """Return whether a value is a real number; booleans do not count."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; floats such as 20.0 count."""
    return isinstance(value, Real) and is_number(value) and float(value).is_integer()
