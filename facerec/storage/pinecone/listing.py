"""Ids in the order of their characters, from any place on.

Pinecone lists the ids with a prefix, in order and in pages, but only from the prefix's start:
tokens of pages cannot be made from an id. What follows an id is therefore listed by prefixes:
first those that share its first digits, then those with the next higher digits. Ids are
made from hashes, so that with N ids each prefix of log16(N / page) digits fills a good part of
a page; wherever one is followed by a round number, a shorter prefix goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from facerec.storage.pinecone.limits import IDS_PER_PAGE

_DIGITS = "0123456789abcdef"
_MAX_DIGITS = 8
"""Digits before the first dash of a UUID."""


def ids_after(
    listed: Callable[[str], Iterator[str]], after: str | None, count: Callable[[], int]
) -> Iterator[str]:
    """Yield ids in order, starting after ``after``.

    Args:
        listed: yields the ids with a prefix, in order.
        after: an id, stored or not; None yields all.
        count: about how many ids there are; saves requests, but changes no result.
    """
    if after is None:
        yield from listed("")
        return
    prefix: str | None = after[: _digits_for(count())]
    while prefix is not None:
        yield from (each for each in listed(prefix) if each > after)
        prefix = _next(prefix)


def _digits_for(count: int) -> int:
    digits = 0
    while count > IDS_PER_PAGE * len(_DIGITS) ** digits and digits < _MAX_DIGITS:
        digits += 1
    return digits


def _next(prefix: str) -> str | None:
    """Return the shortest prefix of all that follows, or None where nothing does."""
    stem = prefix.rstrip(_DIGITS[-1])
    if not stem:
        return None
    return (stem[:-1] + _DIGITS[_DIGITS.index(stem[-1]) + 1]).rstrip(_DIGITS[0])
