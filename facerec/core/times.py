"""Times as text."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC, such as ``2026-01-31T12:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def day_of(seconds: float) -> str:
    """Return the day of a time in seconds since 1970, in UTC, as ``YYYY-MM-DD``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
