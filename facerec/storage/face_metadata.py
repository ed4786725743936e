"""A face record as the metadata of a vector, in the form that every store keeps."""

from __future__ import annotations

from facerec.core.records import FaceRecord
from facerec.core.vectors import Metadata
from facerec.storage.columns import LANDMARKS, Value, from_columns, to_columns

_PACKED = {
    "landmarks": tuple(f"{landmark}_{axis}" for landmark in LANDMARKS for axis in "xy"),
    "quality": ("size", "sharpness", "brightness", "roll", "yaw", "pitch"),
}
"""Numbers that share a text, since no filter needs one of them."""


def to_metadata(record: FaceRecord) -> Metadata:
    """Return everything of a record except the face's id."""
    columns = to_columns(record)
    del columns["face_id"]
    packed: dict[str, str | float] = {}
    for field, members in _PACKED.items():
        numbers = [columns.pop(member) for member in members]
        # repr is the shortest text that reads back as the same number
        packed[field] = " ".join(repr(float(number)) for number in numbers if number is not None)
    return {name: value for name, value in columns.items() if value is not None} | packed


def from_metadata(face_id: str, metadata: Metadata) -> FaceRecord:
    """Return the record that ``to_metadata`` described."""
    columns: dict[str, Value] = {"external_image_id": None, **metadata, "face_id": face_id}
    for field, members in _PACKED.items():
        numbers = str(metadata[field]).split()
        columns |= dict(zip(members, map(float, numbers), strict=True))
    return from_columns(columns)
