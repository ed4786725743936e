from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.engine.detect.tiles import count_outputs, divide
from facerec.engine.dlib.detector_interface import DetectorGeometry

GEOMETRY = DetectorGeometry(
    means=(0, 0, 0),
    padding=10,
    outer_padding=11,
    window=80,
    stride=8,
    origin=14,
    reach=10,
    overlap=0.3,
    cover=1,
)


@given(st.integers(min_value=0, max_value=6000), st.integers(min_value=300, max_value=3000))
def test_spans_give_each_output_once_from_inputs_within_bounds(side: int, longest: int) -> None:
    given_by = np.zeros(count_outputs(side, GEOMETRY), dtype=int)
    for span in divide(side, longest, GEOMETRY):
        length = span.source.stop - span.source.start
        assert 0 <= span.source.start <= span.source.stop <= side
        assert length <= longest
        assert span.source.start % GEOMETRY.stride == 0
        assert span.result.stop <= count_outputs(length, GEOMETRY)
        given_by[span.outputs] += 1
    assert (given_by == 1).all()


@given(st.integers(min_value=400, max_value=6000))
def test_outputs_see_as_far_as_the_network_reaches(side: int) -> None:
    outputs = count_outputs(side, GEOMETRY)
    for span in divide(side, 400, GEOMETRY):
        first = span.source.start // GEOMETRY.stride
        seen = count_outputs(span.source.stop - span.source.start, GEOMETRY)
        assert first == max(0, span.outputs.start - GEOMETRY.reach)
        assert first + seen == min(outputs, span.outputs.stop + GEOMETRY.reach)
        assert span.result.start == span.outputs.start - first


def test_a_photo_that_fits_is_not_divided() -> None:
    assert len(divide(1000, 1000, GEOMETRY)) == 1
    assert divide(20, 1000, GEOMETRY) == []


def test_spans_that_consist_of_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        divide(1000, 150, GEOMETRY)
