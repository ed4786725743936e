"""Types of options that are numbers, each with bounds, since Python's numbers have none."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

import click
from click.types import FloatParamType, IntParamType

MAX_WHOLE = 10**12
"""Maximum of numbers without another maximum; larger numbers overflow as floats or sizes."""

_DIGITS = re.compile(r"\d{40,}")
_NEGATIVE = re.compile(r"-[\d.]")


class _Whole(IntParamType):
    name = "whole number"


class _Finite(FloatParamType):
    name = "number"


_WHOLE = _Whole()
_FINITE = _Finite()


class _Number:
    """A type of numbers with its placeholder in the help of options."""

    metavar: ClassVar[str]

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return the placeholder for the number in the help of an option."""
        return self.metavar if isinstance(param, click.Option) else None


class WholeRange(_Number, click.IntRange):
    """A range of whole numbers; a maximum of ``MAX_WHOLE`` is not shown in the help."""

    name = "whole number"
    metavar = "N"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the number of a text.

        Raises:
            BadParameter: The text is not a number of this kind, or is out of range.
        """
        number = _WHOLE.convert(value, param, ctx)
        if number > MAX_WHOLE:
            self.fail(f"{value} is too large.", param, ctx)
        _require_in_range(self, number, param, ctx)
        return number

    def _describe_range(self) -> str:
        return _describe(self)


class FiniteRange(_Number, click.FloatRange):
    """A range of finite floats; NaN and infinity are refused."""

    name = "number"
    metavar = "NUMBER"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number of a text.

        Raises:
            BadParameter: The text is not a number of this kind, or is out of range.
        """
        number = _FINITE.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        _require_in_range(self, number, param, ctx)
        return number

    def _describe_range(self) -> str:
        return _describe(self)


class NumberCommand(click.Command):
    """A command with a number as argument: a negative number is a value, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments; negative numbers are values, not unknown options."""
        ctx.ignore_unknown_options = any(_NEGATIVE.match(word) for word in args)
        return super().parse_args(ctx, args)


def _require_in_range(
    numbers: click.IntRange | click.FloatRange,
    number: float,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> None:
    """Check the bounds of a number.

    Raises:
        BadParameter: The number is out of the range.
    """
    low, high = numbers.min, numbers.max
    too_low = low is not None and (number <= low if numbers.min_open else number < low)
    too_high = high is not None and (number >= high if numbers.max_open else number > high)
    if too_low or too_high:
        within, given = _describe(numbers), f"{number:.15g}" if number % 1 else str(int(number))
        numbers.fail(f"must be {'from ' * (' to ' in within)}{within}, got {given}", param, ctx)


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
    """Shorten numbers with 40 digits or more in a message to their first 10 digits."""
    return _DIGITS.sub(lambda found: f"{found[0][:10]}...", text)
