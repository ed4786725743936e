"""Listings with several requests at a time, against a page function that answers as S3 does."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.storage.objects.s3_listing import ListedKey, list_in_parallel, middle_of

KEYS = st.text(st.characters(min_codepoint=1, exclude_categories=("Cs",)), min_size=1, max_size=6)


class Bucket:
    """Answers pages in the order of UTF-8 bytes, after a delay."""

    def __init__(self, keys: Sequence[str], page: int, delay: float = 0.0) -> None:
        self._keys = sorted(keys, key=str.encode)
        self._bytes = [key.encode() for key in self._keys]
        self._page, self._delay = page, delay
        self._lock = threading.Lock()
        self._now = self.requests = self.concurrent = 0

    def fetch(self, after: str) -> tuple[list[ListedKey], bool]:
        with self._lock:
            self._now += 1
            self.requests += 1
            self.concurrent = max(self.concurrent, self._now)
        time.sleep(self._delay)
        start = bisect_right(self._bytes, after.encode())
        page = self._keys[start : start + self._page]
        with self._lock:
            self._now -= 1
        return [(key, len(key), '"etag"') for key in page], start + self._page < len(self._keys)

    @property
    def listed(self) -> list[str]:
        return self._keys


@settings(max_examples=60, deadline=None)
@given(st.sets(KEYS, max_size=120), st.integers(1, 5), st.integers(1, 8))
def test_every_key_is_listed_once_and_in_order(keys: set[str], page: int, threads: int) -> None:
    bucket = Bucket([f"photos/{key}" for key in keys], page)
    found = [key for key, _, _ in list_in_parallel(bucket.fetch, "photos/", threads)]
    assert found == bucket.listed


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_may_end_where_its_range_does(page: int) -> None:
    keys = [f"photos/{chr(code)}" for code in range(33, 127)]
    for _ in range(10):
        bucket = Bucket(keys, page, delay=0.0002)
        found = [key for key, _, _ in list_in_parallel(bucket.fetch, "photos/", 8)]
        assert found == bucket.listed


@given(KEYS, KEYS)
def test_the_middle_is_between_two_keys(one: str, other: str) -> None:
    start, end = sorted((f"a/{one}", f"a/{other}"), key=str.encode)
    if start != end:
        assert start.encode() < middle_of(start, end, "a/").encode() < end.encode()
    assert end.encode() < middle_of(end, None, "a/").encode() < b"a0"


@pytest.mark.parametrize(
    "name",
    [
        lambda n: f"{n:09}.jpg",
        lambda n: f"2026/{n % 12 + 1:02}/{n * 7919 % 100_003:06}.jpg",
        lambda n: f"{n * 2654435761 % 2**32:08x}/photo.jpg",
    ],
    ids=["numbers", "months", "digests"],
)
def test_a_large_prefix_is_listed_by_many_requests_at_a_time(
    name: Callable[[int], str],
) -> None:
    bucket = Bucket([f"photos/{name(number)}" for number in range(20_000)], 50, delay=0.002)
    found = [key for key, _, _ in list_in_parallel(bucket.fetch, "photos/", 16)]
    assert found == bucket.listed
    assert bucket.concurrent >= 12
    # Not many more than one thread would need.
    assert bucket.requests < 2 * len(bucket.listed) / 50


def test_a_small_prefix_costs_no_request_more_than_it_needs() -> None:
    bucket = Bucket([f"photos/{number}" for number in range(3_000)], 1000)
    assert len(list(list_in_parallel(bucket.fetch, "photos/"))) == 3_000
    assert (bucket.requests, bucket.concurrent) == (3, 1)


def test_an_error_ends_the_listing_and_is_raised() -> None:
    bucket = Bucket([f"photos/{number:05}" for number in range(10_000)], 50)

    def fetch(after: str) -> tuple[list[ListedKey], bool]:
        if after > "photos/05":
            raise PermissionError(after)
        return bucket.fetch(after)

    with pytest.raises(PermissionError):
        list(list_in_parallel(fetch, "photos/", 8))


def test_a_listing_that_is_closed_early_leaves_no_thread() -> None:
    bucket = Bucket([f"photos/{number:05}" for number in range(10_000)], 50)
    listing = list_in_parallel(bucket.fetch, "photos/", 8)
    for _ in range(5000):
        next(listing)
    listing.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("listing")]
