"""Converts face records to the flat columns of text and numbers that stores keep, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.records import FaceRecord

Value: TypeAlias = str | float | None

TEXT_COLUMNS = (
    "face_id",
    "image_id",
    "external_image_id",
    "source",
    "model_version",
    "settings",
)
"""Columns that hold text; ``external_image_id`` may be None. ``settings`` holds the digest of the
options, and keeps the name that the first release gave it."""

LANDMARKS = ("left_eye_outer", "left_eye_inner", "right_eye_inner", "right_eye_outer", "nose")

NUMBER_COLUMNS = (
    "confidence",
    "indexed_at",
    "box_left",
    "box_top",
    "box_width",
    "box_height",
    *(f"{landmark}_{axis}" for landmark in LANDMARKS for axis in "xy"),
    "size",
    "sharpness",
    "brightness",
    "roll",
    "yaw",
    "pitch",
)
"""Columns that hold a number; units as in ``facerec.core.faces``."""

COLUMNS = TEXT_COLUMNS + NUMBER_COLUMNS
"""Columns that every face has."""

STATS_COLUMNS = ("cohort_mean", "cohort_deviation", "cohort_version")
"""Columns of the cohort stats, which are None for faces stored by earlier releases."""


def to_columns(record: FaceRecord) -> dict[str, Value]:
    """Return a record's values by column: ``COLUMNS`` and ``STATS_COLUMNS``."""
    stats = record.stats
    columns: dict[str, Value] = {
        "face_id": record.face_id,
        "image_id": record.image_id,
        "external_image_id": record.external_image_id,
        "source": record.source,
        "model_version": record.model_version,
        "settings": record.options_digest,
        "confidence": record.confidence,
        "indexed_at": record.indexed_at,
        "box_left": record.box.left,
        "box_top": record.box.top,
        "box_width": record.box.width,
        "box_height": record.box.height,
        "size": record.quality.size,
        "sharpness": record.quality.sharpness,
        "brightness": record.quality.brightness,
        "roll": record.quality.pose.roll,
        "yaw": record.quality.pose.yaw,
        "pitch": record.quality.pose.pitch,
        "cohort_mean": None if stats is None else stats.mean,
        "cohort_deviation": None if stats is None else stats.deviation,
        "cohort_version": None if stats is None else stats.version,
    }
    for landmark in LANDMARKS:
        point: Point = getattr(record.landmarks, landmark)
        columns[f"{landmark}_x"] = point.x
        columns[f"{landmark}_y"] = point.y
    return columns


def from_columns(columns: Mapping[str, Value]) -> FaceRecord:
    """Return the record that ``to_columns`` has converted to columns."""

    def text(column: str) -> str:
        return str(columns[column])

    def number(column: str) -> float:
        return float(columns[column])  # type: ignore[arg-type]

    external_image_id = columns["external_image_id"]
    return FaceRecord(
        face_id=text("face_id"),
        image_id=text("image_id"),
        external_image_id=None if external_image_id is None else str(external_image_id),
        source=text("source"),
        box=BoundingBox(
            number("box_left"), number("box_top"), number("box_width"), number("box_height")
        ),
        confidence=number("confidence"),
        landmarks=Landmarks(
            **{mark: Point(number(f"{mark}_x"), number(f"{mark}_y")) for mark in LANDMARKS}
        ),
        quality=Quality(
            size=number("size"),
            sharpness=number("sharpness"),
            brightness=number("brightness"),
            pose=Pose(number("roll"), number("yaw"), number("pitch")),
        ),
        model_version=text("model_version"),
        options_digest=text("settings"),
        indexed_at=number("indexed_at"),
        stats=stats_from_columns(columns),
    )


def stats_from_columns(columns: Mapping[str, Value]) -> CohortStats | None:
    """Return the cohort stats among a record's columns; None if they are missing or damaged.

    Stats can be computed again from the embedding at any time.
    """
    mean, deviation, version = map(columns.get, STATS_COLUMNS)
    if version is None:
        return None
    try:
        stats = CohortStats(float(mean), float(deviation), str(version))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    is_usable = math.isfinite(stats.mean) and 0 < stats.deviation < math.inf
    return stats if is_usable else None
