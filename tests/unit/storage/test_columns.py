from hypothesis import given
from hypothesis import strategies as st

from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
from facerec.core.records import FaceRecord
from facerec.storage.columns import COLUMNS, from_columns, to_columns

numbers = st.floats(allow_nan=False)
points = st.builds(Point, numbers, numbers)
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
    settings=st.text(),
    indexed_at=numbers,
)


@given(records)
def test_a_record_comes_back_from_its_columns(record: FaceRecord) -> None:
    columns = to_columns(record)
    assert set(columns) == set(COLUMNS)
    assert from_columns(columns) == record
