"""Pairs of similar faces, found by bounds and in cells, compared with those of all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facerec.clustering import comparisons, pairs
from facerec.clustering.pairs import Pairs, find_pairs
from facerec.clustering.products import product
from facerec.core.clusters import FaceArrays


def people(number: int, seed: int = 0) -> tuple[FaceArrays, NDArray[np.float32]]:
    """Return faces, about three of each person, and their embeddings."""
    source = np.random.default_rng(seed)
    centres = source.normal(0, 0.06, (number // 3 + 1, 128))
    embeddings = np.repeat(centres, 3, axis=0)[:number] + source.normal(0, 0.02, (number, 128))
    faces = FaceArrays(
        np.arange(number),
        source.normal(0.6, 0.05, number).astype(np.float32),
        source.uniform(0.02, 0.1, number).astype(np.float32),
        np.arange(number).astype(np.uint64) // np.uint64(2),
        np.ones(number, np.bool_),
        np.ones(number, np.bool_),
        None,
    )
    return faces, embeddings.astype(np.float32)


def expected(
    faces: FaceArrays, embeddings: NDArray[np.float32], rows: NDArray[np.int64], max_score: float
) -> set[tuple[int, int]]:
    """Return the pairs of some rows, from all distances."""
    found = set()
    for row in rows.tolist():
        distances = np.linalg.norm(embeddings - embeddings[row], axis=1)
        scores = (distances - faces.means) / faces.deviations
        scores = (scores + (distances - faces.means[row]) / faces.deviations[row]) / 2
        near = np.flatnonzero((scores <= max_score) & (faces.photos != faces.photos[row]))
        found |= {(min(row, other), max(row, other)) for other in near.tolist()}
    return found


def both(found: Pairs) -> set[tuple[int, int]]:
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


@pytest.mark.parametrize("max_score", [-8.0, -4.0, -1.0])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_pair_up_to_the_score_is_found(max_score: float, threads: int) -> None:
    faces, embeddings = people(700)
    rows = np.arange(3, 700, 7)
    found = find_pairs(
        faces, rows, lambda some: embeddings[some], max_score=max_score, threads=threads
    )
    assert both(found) == expected(faces, embeddings, rows, max_score)
    assert np.all(np.diff(found.scores) >= 0)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 10**6),
    deviations=st.tuples(st.floats(0.005, 0.3), st.floats(0.005, 0.3)),
    spread=st.floats(0, 0.3),
    share=st.floats(0, 1),
)
def test_bounds_leave_out_no_pair_whatever_the_stats_of_faces(
    seed: int, deviations: tuple[float, float], spread: float, share: float
) -> None:
    number = pairs.MAX_NEIGHBOURS
    faces, embeddings = people(number, seed)
    source = np.random.default_rng(seed)
    faces.means[:] = source.normal(0.6, spread, number)
    faces.deviations[:] = source.uniform(min(deviations), max(deviations), number)
    rows = np.arange(number)
    every = find_pairs(faces, rows, lambda some: embeddings[some], max_score=np.inf)
    # Between two scores: for the score of a pair itself, rounding decides.
    place = int(share * (len(every) - 2))
    max_score = float(every.scores[place : place + 2].mean(dtype=np.float64))
    wanted = expected(faces, embeddings, rows, max_score)
    found = find_pairs(faces, rows, lambda some: embeddings[some], max_score=max_score)
    assert both(found) == wanted


def test_pairs_are_the_same_however_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    faces, embeddings = people(900)
    rows = np.arange(0, 900, 3)
    at_once = find_pairs(faces, rows, lambda some: embeddings[some], max_score=-2.0)
    monkeypatch.setattr(comparisons, "_PAIRS_AT_ONCE", 5)
    monkeypatch.setattr(comparisons, "_ROWS_AT_ONCE", 7)
    monkeypatch.setattr(comparisons, "_PROBES_AT_ONCE", 11)
    monkeypatch.setattr(pairs, "_FACES_AT_ONCE", 100)
    in_pieces = find_pairs(faces, rows, lambda some: embeddings[some], max_score=-2.0)
    assert both(in_pieces) == both(at_once)
    assert len(at_once) > 100


def test_a_threshold_of_nothing_or_everything_is_obeyed() -> None:
    faces, embeddings = people(12)
    rows = np.arange(12)
    assert not len(find_pairs(faces, rows, lambda some: embeddings[some], max_score=-np.inf))
    every = find_pairs(faces, rows, lambda some: embeddings[some], max_score=np.inf)
    assert len(every) == 12 * 11 // 2 - 6


def test_cells_miss_few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "EXACT_PAIRS", 0)
    faces, embeddings = people(12_000)
    rows = np.arange(12_000)
    found = both(find_pairs(faces, rows, lambda some: embeddings[some], max_score=-3.0))
    probes = np.arange(0, 12_000, 40)
    wanted = expected(faces, embeddings, probes, -3.0)
    assert len(wanted & found) >= 0.98 * len(wanted) > 100


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 128, 2), (700, 34, 130), (65, 128, 64)])
def test_a_product_in_tiles_is_the_product(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    source = np.random.default_rng(0)
    left = source.normal(size=(rows, inner)).astype(np.float32)
    right = source.normal(size=(columns, inner)).astype(np.float32).T
    assert np.allclose(product(left, right), left @ right, atol=1e-4)
