from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.core.options import FaceOptions, Recipe
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import Engine, open_engine
from facerec.gallery.scores.normalisation import normalised_score, similarity_of_score
from tests.support.example_photos import EXAMPLES


def largest_face(engine: Engine, path: Path) -> EmbeddedFace:
    (photo,) = engine.analyse([path.read_bytes()], FaceOptions())
    assert isinstance(photo, PhotoFaces)
    return photo.faces[0]


@pytest.mark.parametrize("recipe", list(Recipe))
def test_a_face_carries_the_stats_of_its_descriptor(recipe: Recipe) -> None:
    engine = open_engine(threads=1, recipe=recipe)
    face = largest_face(engine, EXAMPLES[0])
    (expected,) = Cohort.load(recipe).stats(face.embedding[None])
    assert face.stats.version == engine.cohort_version
    assert face.stats.mean == pytest.approx(expected.mean, abs=1e-5)
    assert face.stats.deviation == pytest.approx(expected.deviation, abs=1e-5)


def test_each_recipe_has_its_own_model_version() -> None:
    versions = {open_engine(recipe=recipe).model_version for recipe in Recipe}
    assert len(versions) == len(Recipe)


def test_the_accurate_recipe_describes_the_same_person() -> None:
    fast, accurate = (
        largest_face(open_engine(threads=1, recipe=recipe), EXAMPLES[0]) for recipe in Recipe
    )
    assert 0.01 < np.linalg.norm(fast.embedding - accurate.embedding) < 0.3


def test_different_people_are_less_similar_than_one_person() -> None:
    engine = open_engine(threads=1)
    one, other = (largest_face(engine, path) for path in (EXAMPLES[0], EXAMPLES[2]))
    distance = float(np.linalg.norm(one.embedding - other.embedding))
    assert similarity_of_score(normalised_score(0, one.stats, one.stats)) == pytest.approx(1)
    assert similarity_of_score(normalised_score(distance, one.stats, other.stats)) < 0.8
