"""Checks of the types of arguments that programs pass; doors have checked theirs before."""

from __future__ import annotations

from numbers import Real


def is_number(value: object) -> bool:
    """Return whether a value is a real number, which a boolean is not here."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; some programs write it as 20.0."""
    return isinstance(value, Real) and is_number(value) and float(value).is_integer()
