"""Parameters of a test of which `make test` takes a sample, since each of them takes long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def mostly_long(values: Iterable[T], short: int) -> list[T | pytest.ParameterSet]:
    """Return the values of a parameter, all but some of them marked as long.

    Args:
        values: All values.
        short: Number of values that are not marked, in equal distances from the first one on.
    """
    every = list(values)
    kept = {place * len(every) // short for place in range(short)}
    return [each if place in kept else _long(each) for place, each in enumerate(every)]


def mostly_long_rows(rows: Iterable[tuple[Any, ...]], short: int) -> list[pytest.ParameterSet]:
    """Return the same for rows of several parameters."""
    every = list(rows)
    kept = mostly_long(range(len(every)), short)
    return [
        pytest.param(*row, marks=[] if place in kept else pytest.mark.long)
        for place, row in enumerate(every)
    ]


def rarely_short(values: Iterable[T], *short: T) -> list[T | pytest.ParameterSet]:
    """Return the values of a parameter, all but the given ones marked as long."""
    return [each if each in short else _long(each) for each in values]


def _long(value: object) -> pytest.ParameterSet:
    return pytest.param(value, marks=pytest.mark.long)
