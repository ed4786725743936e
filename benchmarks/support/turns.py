"""Measuring in turns: several ways to do the same work under the same conditions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(slots=True)
class Times:
    """Times of the turns of one way in seconds, and its last result.

    Processor time excludes other load on the machine; wall time includes waiting.
    """

    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def processor_median(self) -> float:
        """Median of the processor times in seconds."""
        return median(self.processor)

    @property
    def wall_median(self) -> float:
        """Median of the wall times in seconds."""
        return median(self.wall)


def clock(times: Times, action: Callable[[], Any]) -> None:
    """Run an action once and record its times."""
    wall, processor = time.perf_counter(), time.process_time()
    times.result = action()
    times.processor.append(time.process_time() - processor)
    times.wall.append(time.perf_counter() - wall)


def in_turns(
    repeats: int, ways: Mapping[str, Callable[[], Any]], *, warm: bool = True
) -> dict[str, Times]:
    """Do the work in each way in turn, ``repeats`` times.

    Args:
        repeats: Number of measured turns of each way.
        ways: Actions that do the same work, by name.
        warm: Run each way once before measuring.
    """
    if warm:
        for action in ways.values():
            action()
    times = {name: Times() for name in ways}
    for _ in range(max(1, repeats)):
        for name, action in ways.items():
            clock(times[name], action)
    return times


def ratio(slow: Times, fast: Times) -> float:
    """Return the median ratio of the processor times of two ways.

    Each turn is compared with its neighbour, so slow changes of the machine's speed cancel out.
    """
    return median(a / b for a, b in zip(slow.processor, fast.processor, strict=True))
