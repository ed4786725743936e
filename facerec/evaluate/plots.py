"""Draws line plots as SVG without a library, so that a page is self-contained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 28, 12, 48
COLOURS = ("#0b6e4f", "#b3541e")


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from ``10**low`` to ``10**high``."""

    label: str
    low: int
    high: int

    def share(self, value: float) -> float:
        """Return the position of a value on the axis, 0 to 1; values beyond it are at the ends."""
        if value <= 0:
            return 0.0
        return min(1.0, max(0.0, (math.log10(value) - self.low) / (self.high - self.low)))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Values with their labels."""
        return [(10.0**power, _percent(10.0**power)) for power in range(self.low, self.high + 1)]


@dataclass(frozen=True, slots=True)
class LinearAxis:
    """A linear axis from 0 to 1."""

    label: str

    def share(self, value: float) -> float:
        """Return the position of a value on the axis."""
        return value

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Values with their labels."""
        return [(fifth / 5, _percent(fifth / 5)) for fifth in range(6)]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its name."""

    name: str
    points: Sequence[tuple[float, float]]


def line_plot(across: Axis | LinearAxis, up: Axis | LinearAxis, lines: Sequence[Line]) -> str:
    """Return an SVG element with curves."""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(up.label)} by {escape(across.label)}">'
    ]
    for value, label in across.ticks:
        x = _x(across.share(value))
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" class="across">{label}</text>')
    for value, label in up.ticks:
        y = _y(up.share(value))
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="up">{label}</text>')
    for number, line in enumerate(lines):
        points = " ".join(
            f"{_x(across.share(x)):.1f},{_y(up.share(y)):.1f}" for x, y in line.points
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'
        )
        parts.append(
            f'<text x="{WIDTH - RIGHT - 8}" y="{TOP + 18 + 18 * number}" class="up" '
            f'style="fill:{colour}">{escape(line.name)}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" class="across">{escape(across.label)}</text>'
    )
    parts.append(
        f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        f'class="across">{escape(up.label)}</text></svg>'
    )
    return "".join(parts)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _percent(rate: float) -> str:
    return f"{rate * 100:.10f}".rstrip("0").rstrip(".") + " %"
