"""The contract of stores of collections."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection, User
from facerec.errors import CollectionExistsError, CollectionNotFoundError


class CollectionContract:
    """Tests of collections; subclasses provide ``records``: an empty store for several threads."""

    @pytest.fixture
    def records(self) -> RecordStore:
        raise NotImplementedError

    def test_a_collection_comes_back_as_it_was_created(self, records: RecordStore) -> None:
        staff = Collection("staff", "dlib-1", 1_700_000_000.125)
        records.create_collection(staff)
        assert records.get_collection("staff") == staff

    def test_a_migrated_collection_keeps_the_version_of_its_ids(self, records: RecordStore) -> None:
        staff = Collection("staff", "dlib-2", 1.0, first_version="dlib-1")
        records.create_collection(staff)
        assert records.get_collection("staff") == staff
        assert records.list_collections() == [staff]

    def test_a_collection_is_created_once_only(self, records: RecordStore) -> None:
        staff = Collection("staff", "dlib-1", 1.0)
        records.create_collection(staff)
        with pytest.raises(CollectionExistsError) as raised:
            records.create_collection(Collection("staff", "dlib-2", 2.0))
        assert raised.value.collection_id == "staff"
        assert records.get_collection("staff") == staff

    def test_of_callers_that_create_one_collection_at_once_exactly_one_succeeds(
        self, records: RecordStore
    ) -> None:
        def create(number: int) -> bool:
            try:
                records.create_collection(Collection("staff", "dlib-1", float(number)))
            except CollectionExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as callers:
            assert sorted(callers.map(create, range(8))) == [False] * 7 + [True]

    def test_an_unknown_collection_is_an_error_that_names_it(self, records: RecordStore) -> None:
        with pytest.raises(CollectionNotFoundError) as raised:
            records.get_collection("staff")
        assert raised.value.collection_id == "staff"
        with pytest.raises(CollectionNotFoundError):
            records.delete_collection("staff")

    def test_a_deleted_collection_is_gone_and_can_be_created_again(
        self, records: RecordStore
    ) -> None:
        records.create_collection(Collection("staff", "dlib-1", 1.0))
        records.delete_collection("staff")
        assert records.list_collections() == []
        again = Collection("staff", "dlib-2", 2.0)
        records.create_collection(again)
        assert records.get_collection("staff") == again

    def test_a_late_deletion_keeps_the_next_collection_of_the_id(
        self, records: RecordStore
    ) -> None:
        first = Collection("staff", "dlib-1", 1_700_000_000.123456)
        later = Collection("staff", "dlib-1", math.nextafter(first.created_at, math.inf))
        records.create_collection(first)
        records.delete_collection("staff", first.created_at)
        records.create_collection(later, tags={"team": "blue"})
        records.create_user("staff", User("ann", 1.0))
        with pytest.raises(CollectionNotFoundError):
            records.delete_collection("staff", first.created_at)
        assert records.get_collection("staff") == later
        assert records.get_tags("staff") == {"team": "blue"}
        assert records.get_user("staff", "ann").user_id == "ann"
        records.delete_collection("staff", later.created_at)
        assert records.list_collections() == []
        with pytest.raises(CollectionNotFoundError):
            records.delete_collection("staff", later.created_at)

    def test_collections_are_listed_in_pages_in_the_order_of_their_names(
        self, records: RecordStore
    ) -> None:
        names = ["b", "A", "a", "a.1", "a-1", "Z9", "0", "_", "b" * 255]
        for name in names:
            records.create_collection(Collection(name, "dlib-1", 1.0))
        first = records.list_collections(limit=5)
        rest = records.list_collections(after=first[-1].collection_id, limit=5)
        assert [c.collection_id for c in first + rest] == sorted(names)
        assert records.list_collections(after="b" * 255) == []
