"""Lists a large prefix of S3 with concurrent requests, in the order of the keys.

A request returns at most 1,000 keys and takes 0.1 to 0.2 seconds, so a prefix of 10 million objects
takes half an hour with one request at a time. Here threads share the keys that remain: an idle
thread splits the range of another thread in the middle. Pages wait in a temporary file until they
are yielded, at about 100 bytes per object.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

ListedKey: TypeAlias = tuple[str, int, str]
"""Key, size and ETag of an object."""

FetchPage: TypeAlias = Callable[[str], tuple[Sequence[ListedKey], bool]]
"""Returns a page of the objects after a key, and whether there are more."""

THREADS = 16
"""Number of concurrent requests. S3 allows 5,500 requests per second and prefix
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)."""

SERIAL_PAGES = 4
"""Number of pages to fetch one at a time before threads are started."""

_ASCII_END, _END = 0x80, 0x110000
"""One above the last code point of ASCII and of Unicode; most keys are ASCII."""

_SURROGATES = range(0xD800, 0xE000)


def list_in_parallel(
    fetch: FetchPage, prefix: str, threads: int = THREADS, after: str = ""
) -> Iterator[ListedKey]:
    """Yield the objects of a prefix in the order of their keys.

    Args:
        fetch: Requests a page from S3; called in several threads. An exception ends the listing.
        prefix: The prefix that ``fetch`` lists.
        threads: Number of concurrent requests.
        after: A key with the prefix, after which the listing starts; "" for the beginning.
    """
    position, more = after, True
    for _ in range(SERIAL_PAGES):
        page, more = fetch(position)
        yield from page
        if not more:
            return
        position = page[-1][0]
    listing = _Listing(fetch, prefix, position)
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="listing") as pool:
            for _ in range(threads):
                pool.submit(listing.work)
            try:
                yield from listing.results()
            finally:
                listing.stop()
    finally:
        listing.close()


def middle_of(start: str, end: str | None, prefix: str) -> str:
    """Return a key between two keys; no object needs to have it.

    S3 orders keys by their bytes in UTF-8, which is the order of their code points.

    Args:
        start: A key with the prefix.
        end: A greater key; None for the end of the prefix.
        prefix: The prefix of both.
    """
    index = len(prefix)
    if end is not None:
        while index < min(len(start), len(end)) and start[index] == end[index]:
            index += 1
    upper = None if end is None else ord(end[index])
    while True:
        # A key that ends here is less than any longer key.
        lower = ord(start[index]) if index < len(start) else -1
        if upper is None:
            upper = _ASCII_END if lower < _ASCII_END - 2 else _END
        middle = (lower + upper) // 2
        if middle in _SURROGATES:
            middle = _SURROGATES.stop
        if lower < middle < upper:
            return start[:index] + chr(middle)
        index, upper = index + 1, None


@dataclass(eq=False, slots=True)
class _Range:
    """The keys after ``position`` up to ``end``, which one thread lists.

    Attributes:
        position: The last key that was fetched.
        end: The last key that belongs to the range; None for the end of the prefix.
        chunks: Start and length of each page in the temporary file.
        taken: Whether a thread is listing it.
        split: Whether another thread is trying to split it.
        complete: Whether all its pages are in the file.
    """

    position: str
    end: str | None
    chunks: list[tuple[int, int]] = field(default_factory=list)
    taken: bool = False
    split: bool = False
    complete: bool = False


class _Listing:
    def __init__(self, fetch: FetchPage, prefix: str, position: str) -> None:
        self._fetch, self._prefix = fetch, prefix
        self._ranges = [_Range(position, None)]
        self._changed = threading.Condition()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._stopped = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[ListedKey]:
        """Yield the objects of all ranges in order, each range when it is complete."""
        while True:
            with self._changed:
                if not self._ranges:
                    return
                first = self._ranges[0]
                while not (first.complete or self._error):
                    self._changed.wait()
                if self._error:
                    raise self._error
                # Complete ranges are never split.
                del self._ranges[0]
            for start, length in first.chunks:
                with self._changed:
                    self._file.seek(start)
                    content = self._file.read(length)
                yield from json.loads(content)

    def work(self) -> None:
        """List ranges until none is left; runs in several threads."""
        try:
            while (taken := self._take()) is not None:
                self._list(taken)
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def stop(self) -> None:
        """Make all threads end after their current request."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        self._file.close()

    def _take(self) -> _Range | None:
        """Return a range to list: a free one, or the second half of another thread's.

        The result is None if the listing is over.
        """
        while True:
            with self._changed:
                while True:
                    if self._is_over():
                        return None
                    idle = next((r for r in self._ranges if not (r.taken or r.complete)), None)
                    if idle is not None:
                        idle.taken = True
                        return idle
                    open_ranges = (r for r in self._ranges if not (r.complete or r.split))
                    victim = next(open_ranges, None)
                    if victim is not None:
                        break
                    self._changed.wait()
                victim.split = True
                middle = middle_of(victim.position, victim.end, self._prefix)
            page, more = self._fetch(middle)
            half = self._split(victim, middle, page, more)
            if half is not None:
                return half

    def _split(
        self, victim: _Range, middle: str, page: Sequence[ListedKey], more: bool
    ) -> _Range | None:
        """Assign the second half of a range to this thread, which has fetched a page of it.

        Returns:
            The half; None if the other thread has already listed past the middle, or no key follows
            it.
        """
        with self._changed:
            victim.split = False
            self._changed.notify_all()
            if victim.complete or victim.position >= middle:
                return None
            end, victim.end = victim.end, middle
            if not page or (end is not None and page[0][0] > end):
                # There are no keys after the middle.
                return None
            half = _Range(middle, end, taken=True)
            self._ranges.insert(self._ranges.index(victim) + 1, half)
            self._keep(half, page, more)
            return half

    def _list(self, taken: _Range) -> None:
        while not taken.complete:
            page, more = self._fetch(taken.position)
            with self._changed:
                self._keep(taken, page, more)
                if self._is_over():
                    return

    def _keep(self, taken: _Range, page: Sequence[ListedKey], more: bool) -> None:
        """Store the objects that belong to a range; the caller holds the lock."""
        end = taken.end
        mine = page if end is None else [found for found in page if found[0] <= end]
        if mine:
            content = json.dumps(mine).encode()
            start = self._file.seek(0, 2)
            self._file.write(content)
            taken.chunks.append((start, len(content)))
            taken.position = mine[-1][0]
        taken.complete = not more or len(mine) < len(page) or taken.position == end
        self._changed.notify_all()

    def _is_over(self) -> bool:
        return (
            self._stopped or self._error is not None or all(each.complete for each in self._ranges)
        )
