"""Types of options that are numbers: each has bounds, since Python's numbers have none."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

import click

MAX_WHOLE = 10**12
"""Where nothing else bounds a number; larger ones overflow where they become floats or sizes."""

_DIGITS = re.compile(r"\d{40,}")
_NEGATIVE = re.compile(r"-[\d.]")


class WholeRange(click.IntRange):
    """A range of whole numbers; one up to ``MAX_WHOLE`` has no maximum that matters."""

    name = "whole number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return what stands for the number in the help of an option."""
        return "N" if isinstance(param, click.Option) else None

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the number of a text."""
        with suppress(ValueError):
            if int(value) > MAX_WHOLE:
                self.fail(f"{value} is too large.", param, ctx)
        return super().convert(value, param, ctx)

    def _describe_range(self) -> str:
        return _describe(self)


class FiniteRange(click.FloatRange):
    """A range of floats without NaN, which is in every range, and without infinity."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return what stands for the number in the help of an option."""
        return "NUMBER" if isinstance(param, click.Option) else None

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

    def _describe_range(self) -> str:
        return _describe(self)


class NumberCommand(click.Command):
    """A command with a number as argument: a negative one is a wrong number, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command."""
        ctx.ignore_unknown_options = any(_NEGATIVE.match(word) for word in args)
        return super().parse_args(ctx, args)


def _describe(numbers: click.IntRange | click.FloatRange) -> str:
    """Return a range in words, for the help and for errors."""
    low, high = numbers.min, None if numbers.max == MAX_WHOLE else numbers.max
    if low is not None and high is not None and not (numbers.min_open or numbers.max_open):
        return f"{low:,} to {high:,}"
    bounds = []
    if low is not None:
        bounds.append(f"{'above' if numbers.min_open else 'at least'} {low:,}")
    if high is not None:
        bounds.append(f"{'below' if numbers.max_open else 'at most'} {high:,}")
    return " and ".join(bounds)


def shorten_digits(text: str) -> str:
    """Shorten the numbers of very many digits in a message."""
    return _DIGITS.sub(lambda found: f"{found[0][:10]}...", text)
