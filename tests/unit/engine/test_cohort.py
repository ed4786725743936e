from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facerec.engine.describe.cohort import NEAREST_CLEAR, NEAREST_DAMAGED, Cohort
from facerec.engine.describe.recipe import VERSIONS, VIEWS, Recipe


@pytest.fixture
def strangers() -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 0.05, (300, 128)).astype(np.float32)


@pytest.mark.parametrize("recipe", list(Recipe))
def test_every_recipe_has_its_own_cohort(recipe: Recipe) -> None:
    cohort = Cohort.load(recipe)
    assert 1_000 <= len(cohort) <= 4_000
    assert cohort.version.startswith("mixtures-2:")
    assert [other for other in Recipe if Cohort.load(other).version == cohort.version] == [recipe]


def test_a_cohort_is_loaded_once() -> None:
    assert Cohort.load(Recipe.FAST) is Cohort.load(Recipe.FAST)


@pytest.mark.parametrize(("near", "nearest"), [(0, NEAREST_CLEAR), (1, NEAREST_DAMAGED)])
def test_stats_are_of_the_nearest_vectors_of_the_nearer_part(
    strangers: NDArray[np.float32], near: int, nearest: int
) -> None:
    """A face amid the clear mixtures, then one amid the damaged ones, which lie elsewhere."""
    parts = strangers[:100], strangers[100:] + np.float32(0.1)
    cohort = Cohort(np.concatenate(parts), clear=100, typical_deviation=0.03, version="test")
    face = np.full(128, 0.01 + 0.1 * near, np.float32)
    distances = np.sort(np.linalg.norm(parts[near].astype(np.float64) - face, axis=1))[:nearest]
    (stats,) = cohort.stats(face[None])
    assert stats.mean == pytest.approx(distances.mean(), abs=1e-5)
    assert stats.deviation == pytest.approx(0.3 * distances.std() + 0.7 * 0.03, abs=1e-5)
    assert stats.version == "test"


@pytest.mark.parametrize("at_once", [2, 3, 64, 300])
def test_a_face_has_the_same_stats_whatever_faces_it_is_described_with(
    strangers: NDArray[np.float32], at_once: int
) -> None:
    """In every bit: a face that is indexed again, among other faces, must not be written again."""
    cohort = Cohort.load()
    alone = [cohort.stats(face[None])[0] for face in strangers]
    together = [
        stats
        for start in range(0, len(strangers), at_once)
        for stats in cohort.stats(strangers[start : start + at_once])
    ]
    assert together == alone


def test_no_face_has_no_stats() -> None:
    assert Cohort.load().stats(np.empty((0, 128), np.float32)) == []


def test_every_recipe_names_its_views_and_its_version() -> None:
    assert set(VIEWS) == set(VERSIONS) == set(Recipe)
    assert len(set(VERSIONS.values())) == len(Recipe)
