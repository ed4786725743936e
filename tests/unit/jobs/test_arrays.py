from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from facerec.core.limits import MAX_ARRAY_SIZE, MAX_CHILDREN
from facerec.jobs.arrays import ChildArray, arrays_of


@given(st.integers(0, MAX_CHILDREN), st.integers(3, MAX_ARRAY_SIZE))
def test_arrays_hold_each_child_once_and_are_as_few_as_possible(
    children: int, largest: int
) -> None:
    largest = max(largest, children // 500)
    arrays = arrays_of(children, largest)
    assert [array.offset for array in arrays] == [
        sum(array.size for array in arrays[:index]) for index in range(len(arrays))
    ]
    assert sum(array.size for array in arrays) == children
    assert len(arrays) == -(-children // largest)
    assert all(array.size <= largest for array in arrays)


@given(st.integers(2, MAX_CHILDREN))
def test_several_children_are_never_an_array_of_one(children: int) -> None:
    assert min(array.size for array in arrays_of(children)) >= 2


def test_one_child_is_a_plain_job_and_none_is_no_job() -> None:
    assert arrays_of(0) == []
    assert arrays_of(1) == [ChildArray(0, 1)]
    assert arrays_of(MAX_ARRAY_SIZE) == [ChildArray(0, 10_000)]
    assert arrays_of(MAX_ARRAY_SIZE + 1) == [ChildArray(0, 5_000), ChildArray(5_000, 5_001)]
