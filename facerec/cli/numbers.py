"""Types of options that are numbers: each has bounds, since Python's numbers have none."""

from __future__ import annotations

import math
import re
from typing import Any

import click

MAX_WHOLE = 10**12
"""Where nothing else bounds a number; larger ones overflow where they become floats or sizes."""

_DIGITS = re.compile(r"\d{40,}")


class FiniteRange(click.FloatRange):
    """A range of floats without NaN, which is in every range, and without infinity."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number of a text."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


def shorten_digits(text: str) -> str:
    """Shorten the numbers of very many digits in a message."""
    return _DIGITS.sub(lambda found: f"{found[0][:10]}...", text)
