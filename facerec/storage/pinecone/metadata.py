"""A face record as the metadata of a Pinecone record.

Metadata is flat: text, numbers, no lists of numbers and no null
(https://docs.pinecone.io/guides/index-data/indexing-overview#metadata-format). What filters may
want stands in a field of its own; landmarks and quality are packed into one text each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from facerec.core.records import FaceRecord
from facerec.storage.columns import LANDMARKS, Value, from_columns, to_columns

Metadata: TypeAlias = dict[str, str | float]

_PACKED = {
    "landmarks": tuple(f"{landmark}_{axis}" for landmark in LANDMARKS for axis in "xy"),
    "quality": ("size", "sharpness", "brightness", "roll", "yaw", "pitch"),
}


def to_metadata(record: FaceRecord) -> Metadata:
    """Return what is stored beside the face's id and embedding."""
    columns = to_columns(record)
    del columns["face_id"]
    packed: Metadata = {}
    for field, members in _PACKED.items():
        numbers = [columns.pop(member) for member in members]
        # repr is the shortest text that gives the same number again
        packed[field] = " ".join(repr(float(number)) for number in numbers if number is not None)
    return {name: value for name, value in columns.items() if value is not None} | packed


def from_metadata(face_id: str, metadata: Mapping[str, Any]) -> FaceRecord:
    """Return the record that ``to_metadata`` made the metadata of."""
    columns: dict[str, Value] = {"external_image_id": None, **metadata, "face_id": face_id}
    for field, members in _PACKED.items():
        numbers = str(metadata[field]).split()
        columns |= dict(zip(members, map(float, numbers), strict=True))
    return from_columns(columns)
