"""Reads ahead in threads, so that waiting for storage overlaps with processing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from threading import Condition
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    items: Iterable[Item],
    fetch: Callable[[Item], Result],
    weight: Callable[[Result], int],
    *,
    threads: int,
    max_items: int,
    max_weight: int,
) -> Generator[Result, None, None]:
    """Yield the result of ``fetch`` for each item, like ``read_ahead_in``, in new threads.

    Close the iterator to end the threads early.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        results = read_ahead_in(
            pool, items, fetch, weight, max_items=max_items, max_weight=max_weight
        )
        with closing(results):
            yield from results


def read_ahead_in(
    pool: Executor,
    items: Iterable[Item],
    fetch: Callable[[Item], Result],
    weight: Callable[[Result], int],
    *,
    max_items: int,
    max_weight: int,
) -> Generator[Result, None, None]:
    """Yield the result of ``fetch`` for each item, in order, using the threads of a pool.

    Buffered results never weigh more than ``max_weight`` plus one result per thread. Close the
    iterator to stop early; after ``close`` returns, no fetch is running.

    Args:
        pool: Thread pool, used exclusively during the iteration.
        items: Items to fetch, consumed only by the caller's thread.
        fetch: Called in threads; an exception is raised in place of the result.
        weight: Returns the weight of a result, in the unit of ``max_weight``.
        max_items: Maximum number of items taken whose results were not yielded yet.
        max_weight: Weight of buffered results above which no fetch starts.
    """
    scale = _Scale(max_weight)

    def weighed(number: int, item: Item) -> Result:
        scale.wait_for_room(number)
        result = fetch(item)
        scale.add(weight(result))
        return result

    waiting: deque[Future[Result]] = deque()
    remaining = enumerate(items)
    try:
        while True:
            for number, item in islice(remaining, max_items - len(waiting)):
                waiting.append(pool.submit(weighed, number, item))
            if not waiting:
                return
            scale.want_next()
            result = waiting.popleft().result()
            scale.add(-weight(result))
            yield result
    finally:
        running = [future for future in waiting if not future.cancel()]
        scale.open()
        wait(running)


class _Scale:
    """Tracks the weight of the buffered results.

    The next result to yield is fetched regardless of the weight; otherwise the iteration would
    never continue.
    """

    def __init__(self, max_weight: int) -> None:
        self._max_weight: float = max_weight
        self._weight = 0
        self._wanted = -1
        self._changed = Condition()

    def wait_for_room(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._weight < self._max_weight or number <= self._wanted
            )

    def add(self, weight: int) -> None:
        with self._changed:
            self._weight += weight
            self._changed.notify_all()

    def want_next(self) -> None:
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    def open(self) -> None:
        with self._changed:
            self._max_weight = float("inf")
            self._changed.notify_all()
