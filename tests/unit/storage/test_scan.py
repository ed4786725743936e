import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.storage.scan import FAR, Chunk, Nearest, free_rows, make_chunk, scan


def chunks_of(embeddings: np.ndarray, sizes: list[int]) -> list[Chunk]:
    slots = np.arange(len(embeddings))
    bounds = np.cumsum(sizes)[:-1]
    return [
        make_chunk(part, part_slots)
        for part, part_slots in zip(
            np.split(embeddings, bounds), np.split(slots, bounds), strict=True
        )
    ]


def nearest_by_differences(
    embeddings: np.ndarray, probe: np.ndarray, limit: int, max_distance: float
) -> Nearest:
    differences = embeddings.astype(np.float64) - probe.astype(np.float64)
    distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    order = np.lexsort((np.arange(len(distances)), distances))
    order = order[distances[order] <= max_distance][:limit]
    return Nearest(distances[order], order)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    probes=st.integers(1, 70),
    limit=st.integers(1, 60),
    max_distance=st.sampled_from([0.0, 0.3, 0.9, 2.0, float("inf")]),
    spread=st.sampled_from([0.0, 1e-7, 1e-4, 0.05, 1.0]),
    centre=st.sampled_from([0.0, 0.1, 30.0]),
)
def test_the_scan_finds_what_comparing_one_by_one_finds(
    seed: int,
    sizes: list[int],
    probes: int,
    limit: int,
    max_distance: float,
    spread: float,
    centre: float,
) -> None:
    random = np.random.default_rng(seed)
    people = random.normal(centre, 0.05, (7, 128))
    shown = people[random.integers(0, 7, sum(sizes))]
    embeddings = (shown + spread * random.standard_normal(shown.shape)).astype(np.float32)
    # some faces are stored more than once, and some probes are stored faces
    embeddings[random.random(len(embeddings)) < 0.2] = embeddings[:1]
    asked = people[random.integers(0, 7, probes)].astype(np.float32)
    asked[:1] = embeddings[:1] if len(embeddings) else asked[:1]
    found = scan(chunks_of(embeddings, sizes), asked, limit=limit, max_distance=max_distance)
    assert len(found) == probes
    for probe, nearest in zip(asked, found, strict=True):
        expected = nearest_by_differences(embeddings, probe, limit, max_distance)
        assert nearest.slots.tolist() == expected.slots.tolist()
        assert nearest.distances.tolist() == pytest.approx(expected.distances.tolist(), rel=1e-12)


def test_an_embedding_is_at_distance_zero_from_itself() -> None:
    embeddings = np.random.default_rng(1).normal(0.1, 0.05, (500, 128)).astype(np.float32)
    found = scan(chunks_of(embeddings, [500]), embeddings, limit=1, max_distance=0.6)
    assert [nearest.distances.tolist() for nearest in found] == [[0.0]] * 500
    assert [nearest.slots.tolist() for nearest in found] == [[slot] for slot in range(500)]


def test_free_slots_are_never_found() -> None:
    embeddings = np.full((40, 128), FAR, np.float32)
    embeddings[7] = 0.1
    probe = np.zeros((1, 128), np.float32)
    (nearest,) = scan(chunks_of(embeddings, [40]), probe, limit=40, max_distance=float("inf"))
    assert nearest.slots.tolist() == [7]


def test_freed_rows_are_never_found_again() -> None:
    embeddings = np.random.default_rng(2).normal(0.1, 0.05, (100, 128)).astype(np.float32)
    chunks = chunks_of(embeddings.copy(), [30, 0, 70])
    freed = np.array([0, 29, 30, 55, 99, 400])
    for chunk in chunks:
        free_rows(chunk, freed)
    found = scan(chunks, embeddings, limit=100, max_distance=float("inf"))
    for nearest in found:
        assert sorted(nearest.slots.tolist()) == sorted(set(range(100)) - set(freed.tolist()))
    assert all((chunk.embeddings[chunk.slots == 55] == FAR).all() for chunk in chunks)


def test_a_collection_without_embeddings_has_no_neighbours() -> None:
    (nearest,) = scan([], np.zeros((1, 128), np.float32), limit=3, max_distance=1.0)
    assert nearest.slots.tolist() == []
