"""Formats times as text."""

from __future__ import annotations

from datetime import UTC, datetime

MAX_TIME = 253_402_300_799.0
"""The last second of the year 9999, in seconds since 1970; later times cannot be formatted."""


def is_time(seconds: float) -> bool:
    """Return whether a number is a time from 1970 on that can be formatted; false for NaN."""
    return 0 <= seconds <= MAX_TIME


def iso_time(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC, such as ``2026-01-31T12:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def day_of(seconds: float) -> str:
    """Return the day of a time in seconds since 1970, in UTC, as ``YYYY-MM-DD``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
