from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facerec.engine.detect.suppression import suppress_overlaps

BOXES = st.lists(st.tuples(*[st.floats(-50, 200)] * 2, *[st.floats(1, 100)] * 2), max_size=30)


def keep(boxes: list[tuple[float, ...]], scores: list[float], overlap: float = 0.3) -> list[int]:
    return suppress_overlaps(np.array(boxes).reshape(-1, 4), np.array(scores), overlap, cover=1)


def test_the_better_of_two_boxes_of_a_face_is_kept() -> None:
    assert keep([(0, 0, 80, 80), (10, 10, 80, 80)], [0.5, 0.9]) == [1]


def test_separate_faces_are_kept_best_first() -> None:
    assert keep([(0, 0, 80, 80), (100, 0, 80, 80), (200, 0, 80, 80)], [0.5, 0.9, 0.7]) == [1, 2, 0]


def test_a_box_suppressed_by_a_suppressed_box_is_kept() -> None:
    boxes = [(0, 0, 80, 80), (40, 0, 80, 80), (80, 0, 80, 80)]
    assert keep(boxes, [0.9, 0.8, 0.7]) == [0, 2]


def test_a_small_face_in_a_large_box_is_kept() -> None:
    assert keep([(0, 0, 200, 200), (50, 50, 40, 40)], [0.9, 0.8]) == [0, 1]


@given(BOXES)
def test_every_box_is_kept_or_loses_to_a_better_one(boxes: list) -> None:
    scores = np.linspace(1, 0, len(boxes))
    kept = keep(boxes, scores.tolist())
    assert kept == sorted(kept)
    for number in set(range(len(boxes))) - set(kept):
        better = [other for other in kept if other < number]
        assert any(keep([boxes[other], boxes[number]], [1, 0]) == [0] for other in better)
