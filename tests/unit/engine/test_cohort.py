from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facerec.engine.describe.cohort import NEAREST, Cohort
from facerec.engine.describe.recipe import VERSIONS, VIEWS, Recipe


@pytest.fixture
def strangers() -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 0.05, (300, 128)).astype(np.float32)


@pytest.mark.parametrize("recipe", list(Recipe))
def test_every_recipe_has_its_own_cohort(recipe: Recipe) -> None:
    cohort = Cohort.load(recipe)
    assert 1_000 <= len(cohort) <= 4_000
    assert cohort.version.startswith("mixtures-1:")
    assert [other for other in Recipe if Cohort.load(other).version == cohort.version] == [recipe]


def test_a_cohort_is_loaded_once() -> None:
    assert Cohort.load(Recipe.FAST) is Cohort.load(Recipe.FAST)


def test_stats_are_of_the_nearest_vectors(strangers: NDArray[np.float32]) -> None:
    cohort = Cohort(strangers, typical_deviation=0.03, version="test")
    face = np.full(128, 0.01, np.float32)
    nearest = np.sort(np.linalg.norm(strangers.astype(np.float64) - face, axis=1))[:NEAREST]
    (stats,) = cohort.stats(face[None])
    assert stats.mean == pytest.approx(nearest.mean(), abs=1e-5)
    assert stats.deviation == pytest.approx((nearest.std() + 0.03) / 2, abs=1e-5)
    assert stats.version == "test"


def test_faces_described_together_have_the_stats_of_faces_described_alone(
    strangers: NDArray[np.float32],
) -> None:
    cohort = Cohort.load()
    together = cohort.stats(np.concatenate([strangers] * 2))
    alone = [cohort.stats(face[None])[0] for face in strangers[:5]]
    assert [stats.mean for stats in together[:5]] == pytest.approx([stats.mean for stats in alone])
    assert len(together) == 600


def test_no_face_has_no_stats() -> None:
    assert Cohort.load().stats(np.empty((0, 128), np.float32)) == []


def test_every_recipe_names_its_views_and_its_version() -> None:
    assert set(VIEWS) == set(VERSIONS) == set(Recipe)
    assert len(set(VERSIONS.values())) == len(Recipe)
