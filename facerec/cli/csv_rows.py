"""Rows of CSV files that people open in spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that spreadsheets take for a formula:
https://owasp.org/www-community/attacks/CSV_Injection."""


def safe_row(cells: Iterable[Any]) -> list[Any]:
    """Return a row in which no name or path is a formula: such a text gets an apostrophe first."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
        for cell in cells
    ]
