"""Photos assigned to images, compared with all assignments that there are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from facerec.imports.matching import MARGIN, assign


@pytest.mark.parametrize("size", [1, 2, 5])
def test_an_assignment_is_the_best_one_by_a_margin(size: int) -> None:
    draw = np.random.default_rng(size)
    for _ in range(50):
        fits = 0.8 + 0.2 * draw.random((size, size))
        found, doubtful = assign(fits)
        totals = {
            order: sum(fits[image, photo] for image, photo in enumerate(order))
            for order in permutations(range(size))
        }
        best = max(totals, key=lambda order: totals[order])
        for image, photo in enumerate(best):
            others = [total for order, total in totals.items() if order[image] != photo]
            clear = totals[best] - max(others, default=0.0) >= MARGIN
            assert found.get(image) == (photo if clear else None)
            assert (image in doubtful) != clear


def test_an_image_whose_photo_is_missing_gets_no_other() -> None:
    assert assign(np.array([[1.0, 0.5], [0.5, 0.6]])) == ({0: 0}, set())
