import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.records import FaceRecord
from facerec.storage.columns import COLUMNS, STATS_COLUMNS, from_columns, to_columns
from facerec.storage.face_metadata import from_metadata, to_metadata

numbers = st.floats(allow_nan=False)
points = st.builds(Point, numbers, numbers)
finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
records = st.builds(
    FaceRecord,
    face_id=st.text(),
    image_id=st.text(),
    external_image_id=st.none() | st.text(),
    source=st.text(),
    box=st.builds(BoundingBox, numbers, numbers, numbers, numbers),
    confidence=numbers,
    landmarks=st.builds(Landmarks, points, points, points, points, points),
    quality=st.builds(
        Quality, numbers, numbers, numbers, st.builds(Pose, numbers, numbers, numbers)
    ),
    model_version=st.text(),
    options_digest=st.text(),
    indexed_at=numbers,
    stats=st.none() | st.builds(CohortStats, finite, positive, st.text()),
)


@given(records)
def test_a_record_comes_back_from_its_columns(record: FaceRecord) -> None:
    columns = to_columns(record)
    assert set(columns) == {*COLUMNS, *STATS_COLUMNS}
    assert from_columns(columns) == record


@given(records)
def test_a_record_comes_back_from_its_metadata(record: FaceRecord) -> None:
    metadata = to_metadata(record)
    assert None not in metadata.values()
    assert from_metadata(record.face_id, metadata) == record


@given(records)
def test_a_record_of_an_earlier_facerec_has_no_stats(record: FaceRecord) -> None:
    columns = {name: value for name, value in to_columns(record).items() if name in COLUMNS}
    assert from_columns(columns) == replace(record, stats=None)


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [
        (None, 0.02),
        (0.5, None),
        ("x", 0.02),
        (0.5, 0.0),
        (0.5, -1.0),
        (math.nan, 0.02),
        (0.5, "inf"),
    ],
)
@given(records)
def test_damaged_stats_count_as_missing_ones(
    mean: float | str | None, deviation: float | str | None, record: FaceRecord
) -> None:
    damaged = {"cohort_mean": mean, "cohort_deviation": deviation, "cohort_version": "1"}
    assert from_columns({**to_columns(record), **damaged}).stats is None
