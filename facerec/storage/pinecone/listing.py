"""Lists ids in order, starting after any id.

Pinecone lists the ids with a prefix, in order and in pages, but only from the start of the prefix:
tokens of pages cannot be computed from an id. So the ids after an id are listed by prefixes: first
those that share its first digits, then those with the next higher digits. Ids are hashes, so among
N ids each prefix of log16(N / page) digits fills much of a page. After a prefix that ends in
the highest digit, listing continues with a shorter prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from facerec.core.ids import FIRST_DIGITS, HEX_DIGITS
from facerec.storage.pinecone.limits import IDS_PER_PAGE


def ids_after(
    listed: Callable[[str], Iterator[str]], after: str | None, count: Callable[[], int]
) -> Iterator[str]:
    """Yield ids in order, starting after an id.

    Args:
        listed: Returns the ids with a prefix, in order.
        after: An id, stored or not; None yields all.
        count: Returns the approximate number of ids, which saves requests and does not change the
            result.
    """
    if after is None:
        yield from listed("")
        return
    prefix: str | None = after[: _digits_for(count())]
    while prefix is not None:
        yield from (vector_id for vector_id in listed(prefix) if vector_id > after)
        prefix = _next(prefix)


def _digits_for(count: int) -> int:
    digits = 0
    while count > IDS_PER_PAGE * len(HEX_DIGITS) ** digits and digits < FIRST_DIGITS:
        digits += 1
    return digits


def _next(prefix: str) -> str | None:
    """Return the shortest prefix of all following ids, or None if no id can follow."""
    stem = prefix.rstrip(HEX_DIGITS[-1])
    if not stem:
        return None
    return (stem[:-1] + HEX_DIGITS[HEX_DIGITS.index(stem[-1]) + 1]).rstrip(HEX_DIGITS[0])
