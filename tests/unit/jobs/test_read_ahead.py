"""Reading ahead keeps the order and its bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.jobs.prefetch import read_ahead


@given(
    st.lists(st.integers(0, 50), max_size=30),
    st.integers(1, 4),
    st.integers(1, 10),
    st.integers(1, 100),
)
def test_results_come_in_order_and_stay_within_bounds(
    weights: list[int], threads: int, max_items: int, max_weight: int
) -> None:
    taken: list[int] = []
    given_out = 0

    def items() -> Iterator[int]:
        for number, _ in enumerate(weights):
            taken.append(number)
            assert len(taken) - given_out <= max_items
            yield number

    results = []
    for number in read_ahead(
        items(),
        lambda number: number,
        lambda number: weights[number],
        threads=threads,
        max_items=max_items,
        max_weight=max_weight,
    ):
        given_out += 1
        results.append(number)
    assert results == list(range(len(weights)))


@pytest.mark.parametrize("threads", [1, 3])
def test_no_fetch_starts_while_buffered_results_are_heavy(threads: int) -> None:
    started: list[int] = []

    def fetch(number: int) -> int:
        started.append(number)
        return number

    results = read_ahead(
        range(100), fetch, lambda _: 10, threads=threads, max_items=50, max_weight=30
    )
    for taken in range(100):
        assert next(results) == taken
        # Three weigh as much as may wait; each thread may have started before that was so.
        assert len(started) <= taken + 1 + 3 + threads
    results.close()


def test_an_error_of_a_fetch_is_raised_in_order_and_ends_the_threads() -> None:
    def fetch(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    before = threading.active_count()
    results = read_ahead(range(10), fetch, lambda _: 1, threads=2, max_items=5, max_weight=99)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert threading.active_count() == before


def test_fetches_are_concurrent() -> None:
    meeting = threading.Barrier(4, timeout=60)

    def fetch(number: int) -> int:
        meeting.wait()
        return number

    results = read_ahead(range(8), fetch, lambda _: 1, threads=4, max_items=8, max_weight=99)
    assert list(results) == list(range(8))
