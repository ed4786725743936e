from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.storage.pinecone.limits import IDS_PER_PAGE
from facerec.storage.pinecone.listing import ids_after

# few different first digits, so that ids share prefixes and end in 0 and f often
uuids = st.builds(
    lambda start, rest: str(uuid.UUID(start + rest.hex[len(start) :])),
    st.text("0f7", max_size=8),
    st.uuids(version=4),
)


class Pages:
    """A listing by prefix that counts the pages that were asked for."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = sorted(ids)
        self.asked = 0

    def listed(self, prefix: str) -> Iterator[str]:
        found = self.ids[bisect_left(self.ids, prefix) : bisect_left(self.ids, prefix + "g")]
        for start in range(0, len(found) or 1, IDS_PER_PAGE):
            self.asked += 1
            yield from found[start : start + IDS_PER_PAGE]


@given(st.sets(uuids, max_size=60), uuids, st.integers(0, 10**12))
def test_what_is_listed_are_the_ids_after_any_id_in_order_whatever_the_count(
    ids: set[str], after: str, count: int
) -> None:
    pages = Pages(list(ids))
    listed = list(ids_after(pages.listed, after, lambda: count))
    assert listed == sorted(each for each in ids if each > after)
    assert list(ids_after(pages.listed, None, lambda: count)) == sorted(ids)


@pytest.mark.parametrize("faces", [50, 900, 30_000])
def test_a_page_of_a_thousand_costs_few_requests_at_any_start(faces: int) -> None:
    random = Random(7)
    ids = [str(uuid.UUID(int=random.getrandbits(128))) for _ in range(faces)]
    for after in random.sample(sorted(ids), 6):
        pages = Pages(ids)
        listed = list(islice(ids_after(pages.listed, after, lambda: faces), 1000))
        assert listed == [each for each in pages.ids if each > after][:1000]
        assert pages.asked <= 60
