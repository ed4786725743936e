"""Clusters that may not become one, although their faces are alike."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.clustering.linkage import Linked, link
from facerec.clustering.pairs import find_pairs
from facerec.core.clusters import FaceArrays


def alike(number: int, *, photos: list[int] | None = None) -> FaceArrays:
    """Return faces of one person, each from a photo of its own if ``photos`` does not say."""
    return FaceArrays(
        np.arange(number),
        np.full(number, 0.6, np.float32),
        np.full(number, 0.02, np.float32),
        np.array(range(number) if photos is None else photos, np.uint64),
        np.ones(number, np.bool_),
        np.ones(number, np.bool_),
        None,
    )


def linked(
    faces: FaceArrays, *stored: Linked, far: dict[int, float] | None = None
) -> list[tuple[int | None, list[int]]]:
    """Return the number and the rows of each cluster after linking all faces.

    Faces are at almost the same point, except those in ``far``, by their distances from it.
    """
    embeddings = np.random.default_rng(0).normal(0, 0.001, (len(faces), 128)).astype(np.float32)
    for row, distance in (far or {}).items():
        embeddings[row, 0] += distance
    rows = np.arange(len(faces))
    pairs = find_pairs(faces, rows, lambda some: embeddings[some], max_score=-5.0)
    found = link(faces, embeddings, pairs, stored, lambda row: Linked([row]), max_mean=-3.5)
    return sorted((each.number or 0, sorted(each.rows)) for each in found.clusters)


def test_alike_faces_are_one_cluster() -> None:
    assert linked(alike(5)) == [(0, [0, 1, 2, 3, 4])]


def test_stored_clusters_become_one_with_the_number_of_the_larger() -> None:
    assert linked(alike(5), Linked([0, 1], 1), Linked([2, 3, 4], 2)) == [(2, [0, 1, 2, 3, 4])]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"ignored": True}, {}),
        ({"ignored": True}, {"ignored": True}),
        ({"user_id": "ann"}, {"user_id": "bob"}),
        ({"names": frozenset({"ann"})}, {"denied": frozenset({"ann"})}),
    ],
)
def test_what_people_said_keeps_clusters_apart(
    first: dict[str, object], second: dict[str, object]
) -> None:
    one, other = Linked([0, 1], 1, **first), Linked([2, 3], 2, **second)  # type: ignore[arg-type]
    assert linked(alike(4), one, other) == [(1, [0, 1]), (2, [2, 3])]


def test_a_new_face_joins_an_ignored_cluster() -> None:
    assert linked(alike(3), Linked([0, 1], 1, ignored=True)) == [(1, [0, 1, 2])]


def test_faces_of_one_photo_stay_apart() -> None:
    assert linked(alike(2, photos=[7, 7])) == []
    assert len(linked(alike(4, photos=[7, 7, 8, 8]))) == 2


def test_a_face_that_is_not_clear_connects_no_clusters() -> None:
    faces = alike(5)
    faces.clear[4] = False
    (one, other) = linked(faces, far={0: 0.8, 1: 0.8, 4: 0.4})
    assert sorted((*one[1], *other[1])) == [0, 1, 2, 3, 4]
