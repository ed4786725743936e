"""Reading ahead, so that the wait for storage overlaps with the work on what was read."""

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
    most_items: int,
    most_weight: int,
) -> Generator[Result, None, None]:
    """Yield what ``fetch`` makes of each item, as ``read_ahead_in`` does, in threads of its own.

    Close the iterator, if it is left early, to end them.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        results = read_ahead_in(
            pool, items, fetch, weight, most_items=most_items, most_weight=most_weight
        )
        with closing(results):
            yield from results


def read_ahead_in(
    pool: Executor,
    items: Iterable[Item],
    fetch: Callable[[Item], Result],
    weight: Callable[[Result], int],
    *,
    most_items: int,
    most_weight: int,
) -> Generator[Result, None, None]:
    """Yield what ``fetch`` makes of each item, in order, in threads that are there already.

    What is held never weighs more than ``most_weight`` and one result for each thread. Close the
    iterator, if it is left early, so that nothing of it stays under way.

    Args:
        pool: has threads that nobody else uses meanwhile.
        items: what to fetch; taken from by the caller's thread only.
        fetch: runs in threads; what it raises is raised where its result would be yielded.
        weight: of a result, in the unit of ``most_weight``.
        most_items: how many items are taken and their results not yet yielded.
        most_weight: while those fetched weigh so much, no further one is begun.
    """
    scale = _Scale(most_weight)

    def weighed(number: int, item: Item) -> Result:
        scale.wait_for_room(number)
        result = fetch(item)
        scale.add(weight(result))
        return result

    waiting: deque[Future[Result]] = deque()
    remaining = enumerate(items)
    try:
        while True:
            for number, item in islice(remaining, most_items - len(waiting)):
                waiting.append(pool.submit(weighed, number, item))
            if not waiting:
                return
            scale.want_next()
            result = waiting.popleft().result()
            scale.add(-weight(result))
            yield result
    finally:
        under_way = [future for future in waiting if not future.cancel()]
        scale.open()
        wait(under_way)


class _Scale:
    """Weighs the results that nobody has taken yet.

    The one that is wanted next is fetched whatever the weight: without it nothing is ever taken.
    """

    def __init__(self, most: int) -> None:
        self._most: float = most
        self._weight = 0
        self._wanted = -1
        self._changed = Condition()

    def wait_for_room(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._weight < self._most or number <= self._wanted)

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
            self._most = float("inf")
            self._changed.notify_all()
