"""The contract of searches in stores of vectors."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.core.batches import batches
from facerec.core.limits import MAX_NEIGHBOURS
from facerec.core.protocols.vectors import VectorStore
from facerec.testing.engine import fake_embedding
from facerec.testing.vectors import Settle, by_group, ids_of, vector_of


class VectorSearchContract:
    """Tests of searches; subclasses provide ``store``.

    If reads do not see the latest writes, they provide ``settle`` too. Namespaces are called
    ``staff``, ``guests`` and ``new``. A store that outlives a test must be emptied.
    """

    exactness = 1e-12
    """Maximum error of a distance."""

    many = 3000
    """Number of vectors in the largest test; remote stores may use fewer, but more than a
    thousand."""

    @pytest.fixture
    def store(self) -> VectorStore:
        raise NotImplementedError

    @pytest.fixture
    def settle(self) -> Settle:
        """Return a function that waits until everything written can be read."""
        return lambda: None

    def test_the_nearest_vectors_come_first_with_their_distances(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [
            vector_of("ann", group=f"shot {shot}", away=away, shot=shot)
            for shot, away in enumerate((0.3, 0.1, 0.4, 0.2))
        ]
        store.put_groups("staff", by_group([*vectors, vector_of("bob")]))
        settle()
        found = search_one(store, fake_embedding("ann"), limit=3)
        assert [vector_id for vector_id, _ in found] == [vectors[place].id for place in (1, 3, 0)]
        assert [distance for _, distance in found] == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)

    def test_the_distance_to_an_equal_embedding_is_zero(
        self, store: VectorStore, settle: Settle
    ) -> None:
        store.put_groups("staff", by_group([vector_of("ann")]))
        settle()
        ((_, distance),) = search_one(store, fake_embedding("ann"))
        assert distance == pytest.approx(0.0, abs=self.exactness)

    def test_the_maximum_distance_is_inclusive(self, store: VectorStore, settle: Settle) -> None:
        probe = np.zeros(128, np.float32)
        at = np.zeros(128, np.float32)
        at[0] = 0.5
        beyond = np.zeros(128, np.float32)
        beyond[1] = 0.5001
        store.put_groups(
            "staff",
            by_group([vector_of("ann", values=at), vector_of("bob", values=beyond)]),
        )
        settle()
        found = search_one(store, probe, max_distance=0.5)
        assert [vector_id for vector_id, _ in found] == [vector_of("ann").id]

    def test_every_probe_gets_its_own_neighbours(self, store: VectorStore, settle: Settle) -> None:
        people = [f"person {number}" for number in range(70)]
        vectors = {person: vector_of(person, away=0.1) for person in people}
        store.put_groups("staff", by_group(vectors.values()))
        settle()
        probes = np.stack([fake_embedding(person) for person in [*people, "stranger"]])
        found = store.search("staff", probes, limit=2, max_distance=0.3)
        assert [[n.id for n in matches] for matches in found] == [
            *([vectors[person].id] for person in people),
            [],
        ]

    def test_no_probe_finds_nothing(self, store: VectorStore) -> None:
        assert store.search("staff", np.empty((0, 128), np.float32), limit=1, max_distance=1) == []

    def test_vectors_put_after_a_deletion_are_found(
        self, store: VectorStore, settle: Settle
    ) -> None:
        vectors = [vector_of(f"person {number}") for number in range(40)]
        store.put_groups("staff", by_group(vectors))
        settle()
        store.delete_vectors("staff", ids_of(vectors[:20]))
        later = [vector_of(f"later {number}") for number in range(30)]
        store.put_groups("staff", by_group(later))
        settle()
        probes = np.stack([vector.values for vector in later])
        found = store.search("staff", probes, limit=1, max_distance=0.1)
        assert [n.id for (n,) in found] == ids_of(later)
        assert store.count_vectors("staff") == 50

    def test_a_search_sees_vectors_put_since_the_last_one(
        self, store: VectorStore, settle: Settle
    ) -> None:
        for number in range(5):
            vector = vector_of(f"person {number}")
            store.put_groups("staff", by_group([vector]))
            settle()
            ((vector_id, _),) = search_one(store, vector.values, limit=1)
            assert vector_id == vector.id

    def test_thousands_of_vectors_are_searched_exactly(
        self, store: VectorStore, settle: Settle
    ) -> None:
        random = np.random.default_rng(7)
        embeddings = random.normal(0.1, 0.06, (self.many, 128)).astype(np.float32)
        vectors = [
            vector_of(f"person {number}", values=embedding)
            for number, embedding in enumerate(embeddings)
        ]
        for batch in batches(vectors, 500):
            store.put_groups("staff", by_group(batch))
        settle()
        probe = random.normal(0.1, 0.06, 128).astype(np.float32)
        differences = embeddings.astype(np.float64) - probe
        distances = np.sqrt((differences**2).sum(axis=1))
        nearest = np.argsort(distances)[:50]
        found = search_one(store, probe, limit=50, max_distance=10.0)
        assert [vector_id for vector_id, _ in found] == [vectors[n].id for n in nearest]
        assert [distance for _, distance in found] == pytest.approx(
            distances[nearest].tolist(), abs=self.exactness
        )

    @pytest.mark.parametrize("limit", [0, MAX_NEIGHBOURS + 1])
    def test_a_limit_out_of_range_is_refused(self, store: VectorStore, limit: int) -> None:
        with pytest.raises(ValueError, match="limit"):
            search_one(store, fake_embedding("ann"), limit=limit)


def search_one(
    store: VectorStore, probe: np.ndarray, *, limit: int = 10, max_distance: float = 0.6
) -> list[tuple[str, float]]:
    """Return ids and distances of the matches of one probe in ``staff``."""
    (matches,) = store.search("staff", probe[None], limit=limit, max_distance=max_distance)
    return [(match.id, match.distance) for match in matches]
