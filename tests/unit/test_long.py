"""A sample of the parameters that take long is left in `make test`."""

from __future__ import annotations

import pytest

from tests.support.long import mostly_long, mostly_long_rows, rarely_short


def short(values: list[object]) -> list[object]:
    """Return the values that are not marked."""
    return [
        each.values[0] if isinstance(each, pytest.ParameterSet) else each
        for each in values
        if not (isinstance(each, pytest.ParameterSet) and each.marks)
    ]


@pytest.mark.parametrize(
    ("count", "sample", "kept"), [(10, 3, [0, 3, 6]), (5, 1, [0]), (2, 2, [0, 1]), (1, 3, [0])]
)
def test_parameters_in_equal_distances_are_not_long(
    count: int, sample: int, kept: list[int]
) -> None:
    assert short([*mostly_long(range(count), sample)]) == kept
    rows = mostly_long_rows([(number, "a") for number in range(count)], sample)
    assert len(rows) == count
    assert short([*rows]) == kept


def test_the_given_parameters_are_not_long() -> None:
    values = rarely_short(["a", "b", "c"], "b")
    assert len(values) == 3
    assert short([*values]) == ["b"]
