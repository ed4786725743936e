"""The contract of stores of the tags and thresholds of collections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection
from facerec.errors import (
    CollectionNotFoundError,
    QuotaExceededError,
)
from facerec.testing.records.two_collections import TwoCollections


class CollectionSettingsContract(TwoCollections):
    """Tests of tags and thresholds."""

    def test_a_threshold_is_kept_until_it_is_removed(self, records: RecordStore) -> None:
        records.set_threshold("staff", 0.93)
        assert records.get_collection("staff") == Collection("staff", "dlib-1", 1.0, 0.93)
        assert records.list_collections()[0].threshold is None
        records.change_tags("staff", put={"team": "a"})
        records.set_threshold("staff", None)
        assert records.get_collection("staff") == Collection("staff", "dlib-1", 1.0)
        with pytest.raises(CollectionNotFoundError):
            records.set_threshold("nowhere", 0.9)

    def test_tags_are_set_overwritten_and_removed(self, records: RecordStore) -> None:
        records.change_tags("staff", put={"team": "a", "größe": "", "cost:center": "7"})
        records.change_tags("staff", put={"team": "b"}, remove=["größe", "unknown"])
        assert records.get_tags("staff") == {"team": "b", "cost:center": "7"}
        assert records.get_tags("guests") == {}

    def test_too_many_tags_change_nothing(self, records: RecordStore) -> None:
        records.change_tags("staff", put={str(number): "" for number in range(200)})
        with pytest.raises(QuotaExceededError):
            records.change_tags("staff", put={"0": "new", "one more": ""})
        assert len(records.get_tags("staff")) == 200
        assert records.get_tags("staff")["0"] == ""
        records.change_tags("staff", put={"facerec:own": ""})
        records.change_tags("staff", put={"one more": ""}, remove=["0"])

    def test_tags_need_a_collection(self, records: RecordStore) -> None:
        with pytest.raises(CollectionNotFoundError):
            records.get_tags("nowhere")
        with pytest.raises(CollectionNotFoundError):
            records.change_tags("nowhere", put={"team": "a"})
        with pytest.raises(CollectionNotFoundError):
            records.change_tags("nowhere", remove=["team"])

    def test_tags_set_at_once_are_all_kept(self, records: RecordStore) -> None:
        def tag(number: int) -> None:
            records.change_tags("staff", put={str(number): ""})

        with ThreadPoolExecutor(4) as callers:
            list(callers.map(tag, range(4)))
        assert sorted(records.get_tags("staff")) == ["0", "1", "2", "3"]
