"""Rows of CSV files that people open in spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that spreadsheets interpret as formulas:
https://owasp.org/www-community/attacks/CSV_Injection."""


def safe_row(cells: Iterable[Any]) -> list[Any]:
    """Return a row in which texts that look like formulas start with an apostrophe.

    Bytes of a path that are not UTF-8 are written as ``\\xfc``. Numbers must not be texts, since a
    negative one would get an apostrophe too: see ``decimals``.
    """
    return [_safe(cell) if isinstance(cell, str) else cell for cell in cells]


def decimals(number: float) -> Decimal:
    """Return a number with the four decimals that CSV files have."""
    return Decimal(f"{number:.4f}")


def _safe(text: str) -> str:
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
