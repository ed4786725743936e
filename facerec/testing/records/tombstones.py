"""The contract of stores of tombstones."""

from __future__ import annotations

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection
from facerec.errors import CollectionNotFoundError
from facerec.testing.records.two_collections import TwoCollections


class TombstoneContract(TwoCollections):
    """Tests of tombstones: the positions of deleted faces in photos."""

    def test_the_first_key_of_tombstones_is_kept(self, records: RecordStore) -> None:
        assert records.get_tombstone_key("staff") is None
        assert records.create_tombstone_key("staff", b"first") == b"first"
        assert records.create_tombstone_key("staff", b"second") == b"first"
        assert records.get_tombstone_key("staff") == b"first"
        assert records.get_tombstone_key("guests") is None

    def test_tombstones_are_found_by_photo(self, records: RecordStore) -> None:
        photos = [f"{number:064x}" for number in range(250)]
        records.put_tombstones("staff", {photo: ["a"] for photo in photos})
        records.put_tombstones("staff", {photos[0]: ["b", "a"]})
        records.put_tombstones("guests", {photos[1]: ["c"]})
        unknown = f"{999:064x}"
        found = records.get_tombstones("staff", [*photos, unknown])
        assert found == {photo: frozenset("a") for photo in photos} | {photos[0]: frozenset("ab")}
        assert records.get_tombstones("staff", []) == {}

    def test_tombstones_are_listed_in_pages(self, records: RecordStore) -> None:
        photos = [f"{number:064x}" for number in range(5)]
        records.create_tombstone_key("staff", b"key")
        records.put_tombstones("staff", {photo: ["a", "b"] for photo in photos})
        records.put_tombstones("guests", {f"{9:064x}": ["c"]})
        listed: dict[str, frozenset[str]] = {}
        after = None
        while page := records.list_tombstones("staff", after=after, limit=2):
            assert len(page) <= 2
            listed |= page
            after = [*page][-1]
        assert listed == {photo: frozenset("ab") for photo in photos}
        assert list(listed) == photos

    def test_tombstones_are_deleted_one_by_one(self, records: RecordStore) -> None:
        first, second = f"{1:064x}", f"{2:064x}"
        records.put_tombstones("staff", {first: ["a", "b"], second: ["a"]})
        records.delete_tombstones("staff", {first: ["a", "unknown"], second: ["a"]})
        assert records.get_tombstones("staff", [first, second]) == {first: frozenset("b")}
        records.delete_tombstones("staff", {second: ["a"]})
        assert records.get_tombstones("staff", [second]) == {}

    def test_tombstones_need_a_collection_and_are_deleted_with_it(
        self, records: RecordStore
    ) -> None:
        photo = f"{1:064x}"
        records.create_tombstone_key("staff", b"key")
        records.put_tombstones("staff", {photo: ["a"]})
        records.delete_collection("staff")
        with pytest.raises(CollectionNotFoundError):
            records.put_tombstones("staff", {photo: ["a"]})
        with pytest.raises(CollectionNotFoundError):
            records.create_tombstone_key("staff", b"key")
        records.create_collection(Collection("staff", "dlib-1", 2.0))
        assert records.get_tombstone_key("staff") is None
        assert records.get_tombstones("staff", [photo]) == {}
