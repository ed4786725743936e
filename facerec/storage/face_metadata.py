"""Converts face records to the vector metadata that stores keep, and back."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from facerec.core.faces import Pose, Quality
from facerec.storage.columns import (
    COLUMNS,
    LANDMARKS,
    STATS_COLUMNS,
    Value,
    from_columns,
    stats_from_columns,
    to_columns,
)

if TYPE_CHECKING:
    from facerec.core.faces import CohortStats
    from facerec.core.records import FaceRecord
    from facerec.core.vectors import Metadata

_PACKED = {
    "landmarks": tuple(f"{landmark}_{axis}" for landmark in LANDMARKS for axis in "xy"),
    "quality": ("size", "sharpness", "brightness", "roll", "yaw", "pitch"),
}
"""Columns whose numbers are stored together in one text, since no filter uses them."""

_MEMBERS = {field: itemgetter(*members) for field, members in _PACKED.items()}
"""Functions that return, from the columns, the numbers to store in each text."""

_FIELDS = tuple(
    column
    for column in COLUMNS + STATS_COLUMNS
    if column not in {"face_id"}.union(*_PACKED.values())
)
"""Columns with a metadata field of their own."""


def to_metadata(record: FaceRecord) -> Metadata:
    """Return all fields of a record except the face id and the fields that are None."""
    columns = to_columns(record)
    metadata = {name: value for name in _FIELDS if (value := columns[name]) is not None}
    for field, members in _MEMBERS.items():
        # repr is the shortest text that is parsed as the same number
        metadata[field] = " ".join(map(repr, map(float, members(columns))))
    return metadata


def stats_metadata(stats: CohortStats) -> Metadata:
    """Return the metadata of cohort stats."""
    return dict(zip(STATS_COLUMNS, (stats.mean, stats.deviation, stats.version), strict=True))


def stats_from_metadata(metadata: Metadata) -> CohortStats | None:
    """Return the cohort stats of a face; None if they are missing or damaged.

    The rest of the metadata is not decoded.
    """
    return stats_from_columns(metadata)


def quality_from_metadata(metadata: Metadata) -> Quality:
    """Return the quality of a face; the rest of the metadata is not decoded."""
    size, sharpness, brightness, *pose = map(float, str(metadata["quality"]).split())
    return Quality(size, sharpness, brightness, Pose(*pose))


def from_metadata(face_id: str, metadata: Metadata) -> FaceRecord:
    """Return the record that ``to_metadata`` has converted to metadata."""
    columns: dict[str, Value] = {"external_image_id": None, **metadata, "face_id": face_id}
    for field, members in _PACKED.items():
        numbers = str(metadata[field]).split()
        columns |= dict(zip(members, map(float, numbers), strict=True))
    return from_columns(columns)
