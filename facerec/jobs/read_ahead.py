"""Reading ahead, so that the wait for storage overlaps with the work on what was read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
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
    """Yield what ``fetch`` makes of each item, in order, several of them under way at once.

    Close the iterator, if it is left early, to end its threads.

    Args:
        items: what to fetch; taken from by one thread only.
        fetch: runs in threads; what it raises is raised where its result would be yielded.
        weight: of a result, in the unit of ``most_weight``.
        threads: how many items are fetched at once.
        most_items: how many are fetched, or being fetched, and not yet yielded.
        most_weight: once those fetched weigh so much, no further one is begun.
    """
    waiting: deque[Future[Result]] = deque()
    remaining = iter(items)

    def weighs() -> int:
        done = (future for future in waiting if future.done() and not future.exception())
        return sum(weight(future.result()) for future in done)

    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        try:
            while True:
                while len(waiting) < most_items and (not waiting or weighs() < most_weight):
                    begun = [pool.submit(fetch, item) for item in islice(remaining, 1)]
                    if not begun:
                        break
                    waiting += begun
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
