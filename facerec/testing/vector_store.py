"""The contract of stores of vectors; an implementation's tests inherit from this class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from facerec.core.ids import group_of
from facerec.core.protocols.vectors import VectorStore
from facerec.core.vectors import Metadata, VectorRecord
from facerec.testing.engine import fake_embedding
from facerec.testing.vector_search import VectorSearchContract, search_one
from facerec.testing.vectors import Settle, by_group, ids_of, vector_of


class VectorStoreContract(VectorSearchContract):
    """Tests of vectors; subclasses provide the fixtures of ``VectorSearchContract``."""

    def test_vectors_are_added_beside_those_of_their_group(
        self, store: VectorStore, settle: Settle
    ) -> None:
        ann, bob, carl = (vector_of("ann", place=place) for place in range(3))
        store.put_groups("staff", by_group([ann, bob]))
        settle()
        store.delete_vectors("staff", [bob.id])
        settle()
        store.add_vectors("staff", by_group([carl]))
        store.add_vectors("staff", by_group([carl]))
        settle()
        ids = sorted([ann.id, carl.id])
        assert [each.id for each in store.get_groups("staff", [ann.group])[ann.group]] == ids
        assert [each.id for each in store.list_vectors("staff")] == ids
        assert store.count_vectors("staff") == 2
        assert ann.id in store.put_groups("staff", by_group([carl]))

    def test_all_vectors_are_read_in_pages(self, store: VectorStore, settle: Settle) -> None:
        metadata: Metadata = {"a": "1"}
        vectors = [vector_of(f"person {each}", metadata=metadata) for each in range(120)]
        store.put_groups("staff", by_group(vectors))
        store.put_groups("guests", by_group([vector_of("ann")]))
        settle()
        pages = store.map_vectors("staff", lambda page: {each.id: each for each in page})
        found = {key: vector for page in pages for key, vector in page.items()}
        assert sum(map(len, pages)) == len(found)
        assert sorted(found) == sorted(ids_of(vectors))
        for vector in vectors:
            assert found[vector.id].values.tobytes() == vector.values.tobytes()
            assert found[vector.id].metadata == metadata
        assert store.map_vectors("nowhere", len) == []

    def test_stored_ids_are_told_from_others(self, store: VectorStore, settle: Settle) -> None:
        ann, bob = vector_of("ann"), vector_of("bob")
        store.put_groups("staff", by_group([ann]))
        settle()
        assert store.stored_ids("staff", [bob.id, ann.id]) == {ann.id}
        assert store.stored_ids("staff", []) == set()
        assert store.stored_ids("nowhere", [ann.id]) == set()

    def test_a_vector_comes_back_as_it_was_put(self, store: VectorStore, settle: Settle) -> None:
        metadata: Metadata = {
            "source": "s3://photos/añ 1.jpg",
            "empty": "",
            "ratio": 0.1 + 0.2,
            "zero": 0.0,
        }
        vector = vector_of("ann", metadata=metadata)
        store.put_groups("staff", by_group([vector]))
        settle()
        (found,) = store.get_vectors("staff", [vector.id])
        assert found.record == vector.record
        assert found.values.dtype == np.float32
        assert found.values.tobytes() == vector.values.tobytes()

    def test_the_version_of_a_namespace_changes_with_each_of_its_writes_only(
        self, store: VectorStore
    ) -> None:
        ann, bob = vector_of("ann"), vector_of("bob")
        seen: list[str | None] = []

        def write(action: Callable[[], object]) -> None:
            action()
            seen.append(store.version("staff"))
            store.list_vectors("staff")
            store.search("staff", ann.values[None], limit=1, max_distance=2)
            store.put_groups("guests", by_group([ann]))
            store.delete_vectors("guests", [ann.id])
            assert store.version("staff") == seen[-1]

        write(lambda: store.put_groups("staff", by_group([ann])))
        if seen == [None]:
            pytest.skip("this store has no versions")
        write(lambda: store.put_groups("staff", by_group([bob])))
        changed = vector_of("bob", metadata={"a": "1"})
        write(lambda: store.put_groups("staff", by_group([changed])))
        write(lambda: store.delete_vectors("staff", [ann.id]))
        write(lambda: store.put_groups("staff", by_group([ann])))
        write(lambda: store.put_groups("staff", {group_of(ann.id): []}))
        write(lambda: store.delete_namespace("staff"))
        write(lambda: store.put_groups("staff", by_group([ann])))
        assert len(set(seen)) == len(seen)

    def test_namespaces_are_known_by_their_names(self, store: VectorStore, settle: Settle) -> None:
        store.put_groups("staff", by_group([vector_of("ann")]))
        store.put_groups("guests", by_group([vector_of("bob")]))
        settle()
        assert store.stored_namespaces(["staff", "nobody"]) == {"staff"}
        store.delete_namespace("staff")
        settle()
        assert store.stored_namespaces(["staff", "guests"]) == {"guests"}

    def test_metadata_is_replaced_with_its_vector(self, store: VectorStore, settle: Settle) -> None:
        store.put_groups("staff", by_group([vector_of("ann", metadata={"a": "1", "b": 2.0})]))
        settle()
        later = vector_of("ann", metadata={"a": "3"})
        store.put_groups("staff", by_group([later]))
        settle()
        assert store.list_vectors("staff") == [later.record]

    def test_changed_metadata_keeps_other_fields_and_values(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vector = vector_of("ann", metadata={"a": "1", "b": 2.0})
        other = vector_of("bob", metadata={"a": "1"})
        store.put_groups("staff", by_group([vector, other]))
        settle()
        store.change_metadata("staff", {vector.id: {"b": 3.0, "c": "ñ"}})
        settle()
        found, unchanged = store.get_vectors("staff", [vector.id, other.id])
        assert found.metadata == {"a": "1", "b": 3.0, "c": "ñ"}
        assert found.values.tobytes() == vector.values.tobytes()
        assert unchanged.record == other.record

    def test_metadata_of_unknown_vectors_is_not_stored(
        self, store: VectorStore, settle: Settle
    ) -> None:
        kept, deleted = vector_of("ann"), vector_of("bob")
        store.put_groups("staff", by_group([kept, deleted]))
        settle()
        store.delete_vectors("staff", [deleted.id])
        settle()
        for namespace in ("staff", "new"):
            store.change_metadata(namespace, {deleted.id: {"a": "1"}})
        settle()
        assert store.list_vectors("staff") == [kept.record]
        assert store.list_vectors("new") == []

    def test_vectors_are_returned_in_the_order_requested_without_unknown_ones(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [vector_of(person) for person in ("ann", "bob", "cyd")]
        store.put_groups("staff", by_group(vectors))
        settle()
        ids = ids_of(vectors)
        unknown = vector_of("nobody").id
        found = store.get_vectors("staff", [ids[2], unknown, ids[0]])
        assert ids_of(found) == [ids[2], ids[0]]

    def test_putting_the_same_vectors_again_changes_nothing(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [vector_of("ann", group="both"), vector_of("bob", group="both", place=1)]
        store.put_groups("staff", by_group(vectors))
        store.put_groups("staff", by_group(vectors))
        settle()
        assert store.count_vectors("staff") == 2
        assert len(search_one(store, fake_embedding("ann"), max_distance=0.1)) == 1

    def test_a_group_holds_exactly_the_vectors_that_were_put_last(
        self, store: VectorStore, settle: Settle
    ) -> None:
        first = [vector_of("ann", group="group"), vector_of("bob", group="group", place=1)]
        other = vector_of("cyd")
        second = [vector_of("dot", group="group"), vector_of("eve", group="group", place=2)]
        store.put_groups("staff", by_group([*first, other]))
        settle()
        store.put_groups("staff", by_group(second))
        settle()
        assert {record.id for record in store.list_vectors("staff")} == {
            *ids_of(second),
            other.id,
        }
        assert search_one(store, fake_embedding("ann"), max_distance=0.3) == []
        assert search_one(store, fake_embedding("bob"), max_distance=0.3) == []
        assert search_one(store, fake_embedding("dot")) == [(second[0].id, 0.0)]

    def test_putting_groups_returns_the_ids_that_they_no_longer_have(
        self, store: VectorStore, settle: Settle
    ) -> None:
        first = [vector_of("ann", group="changing"), vector_of("bob", group="changing", place=1)]
        second = [vector_of("dot", group="changing"), vector_of("eve", group="changing", place=2)]
        assert store.put_groups("staff", by_group(first)) == []
        settle()
        assert store.put_groups("staff", by_group(first)) == []
        settle()
        assert store.put_groups("staff", by_group(second)) == [first[1].id]
        settle()
        (group,) = by_group(second)
        assert set(store.put_groups("staff", {group: []})) >= set(ids_of(second))

    def test_a_group_can_be_put_without_vectors(self, store: VectorStore, settle: Settle) -> None:
        vector = vector_of("ann")
        (group,) = by_group([vector])
        store.put_groups("staff", by_group([vector]))
        settle()
        store.put_groups("staff", {group: []})
        settle()
        assert store.count_vectors("staff") == 0
        assert search_one(store, vector.values) == []

    def test_groups_are_found_without_those_that_have_no_vectors(
        self, store: VectorStore, settle: Settle
    ) -> None:
        group = [vector_of("ann", group="group"), vector_of("bob", group="group", place=1)]
        single = vector_of("cyd")
        store.put_groups("staff", by_group([*group, single]))
        settle()
        (both_key,) = by_group(group)
        (single_key,) = by_group([single])
        (unknown_key,) = by_group([vector_of("nobody")])
        found = store.get_groups("staff", [both_key, unknown_key, single_key])
        assert found.keys() == {both_key, single_key}
        assert found[single_key] == [single.record]
        assert sorted_records(found[both_key]) == sorted_records([f.record for f in group])

    def test_an_unknown_namespace_has_no_vectors(self, store: VectorStore) -> None:
        vector_id = vector_of("ann").id
        assert store.count_vectors("staff") == 0
        assert store.list_vectors("staff") == []
        assert store.get_vectors("staff", [vector_id]) == []
        assert store.get_groups("staff", [group_of(vector_id)]) == {}
        assert search_one(store, fake_embedding("ann")) == []
        assert store.delete_vectors("staff", [vector_id]) == []
        store.delete_namespace("staff")

    def test_namespaces_are_separate(self, store: VectorStore, settle: Settle) -> None:
        ann, bob = vector_of("ann"), vector_of("bob")
        store.put_groups("staff", by_group([ann]))
        store.put_groups("guests", by_group([ann, bob]))
        settle()
        assert store.delete_vectors("guests", ids_of([ann])) == ids_of([ann])
        settle()
        assert store.list_vectors("staff") == [ann.record]
        assert store.list_vectors("guests") == [bob.record]
        store.delete_namespace("guests")
        settle()
        assert store.count_vectors("guests") == 0
        assert search_one(store, ann.values) == [(ann.id, 0.0)]

    def test_vectors_are_listed_in_pages_ordered_by_id(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [vector_of(f"person {number}") for number in range(25)]
        store.put_groups("staff", by_group(vectors))
        settle()
        listed: list[VectorRecord] = []
        while page := store.list_vectors(
            "staff", after=listed[-1].id if listed else None, limit=10
        ):
            assert len(page) <= 10
            listed += page
        assert [record.id for record in listed] == sorted(ids_of(vectors))

    def test_deleted_vectors_are_gone_and_their_ids_returned(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [vector_of(person) for person in ("ann", "bob", "cyd")]
        store.put_groups("staff", by_group(vectors))
        settle()
        ann, bob, cyd = ids_of(vectors)
        unknown = vector_of("nobody").id
        assert store.delete_vectors("staff", [cyd, unknown, ann]) == [cyd, ann]
        settle()
        assert store.delete_vectors("staff", [cyd]) == []
        assert [record.id for record in store.list_vectors("staff")] == [bob]
        assert store.get_vectors("staff", [ann]) == []
        assert store.get_groups("staff", [group_of(ann)]) == {}
        assert search_one(store, fake_embedding("ann"), max_distance=0.3) == []
        assert store.count_vectors("staff") == 1

    @pytest.mark.parametrize(
        "embedding",
        [
            np.zeros(127, np.float32),
            np.zeros(128, np.float64),
            np.full(128, np.nan, np.float32),
            np.full(128, np.inf, np.float32),
        ],
        ids=["short", "float64", "not a number", "infinite"],
    )
    def test_malformed_values_are_refused(self, store: VectorStore, embedding: np.ndarray) -> None:
        vector = vector_of("ann", values=embedding)
        with pytest.raises(ValueError, match="embedding"):
            store.put_groups("staff", by_group([vector_of("bob"), vector]))
        assert store.count_vectors("staff") == 0

    def test_a_vector_of_another_group_is_refused(self, store: VectorStore) -> None:
        with pytest.raises(ValueError, match="does not belong to group"):
            store.put_groups("staff", {"00000000-0000-8000-8000-": [vector_of("ann")]})

    @pytest.mark.parametrize("group", ["", "0", "00000000-0000-8000-8000", "%" * 24])
    def test_what_is_no_group_replaces_nothing(
        self, store: VectorStore, settle: Settle, group: str
    ) -> None:
        store.put_groups("staff", by_group([vector_of("ann")]))
        settle()
        with pytest.raises(ValueError, match="not a group"):
            store.put_groups("staff", {group: []})
        assert store.count_vectors("staff") == 1


def sorted_records(records: list[VectorRecord]) -> list[VectorRecord]:
    return sorted(records, key=lambda record: record.id)
