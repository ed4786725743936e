"""Formats numbers with their nouns, in the singular or the plural."""

from __future__ import annotations


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Format a number with its noun: ``1 face``, ``2 faces``, ``1,000 photos``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
