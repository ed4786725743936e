"""Which cases of a long sweep run: a sample by default, all of them in ``make chaos``.

The sample is the same in each run, and another for each sweep. ``FACEREC_EVERY_CALL=1`` runs all.
"""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Iterator

EVERY_CALL = bool(os.environ.get("FACEREC_EVERY_CALL"))


def sampled(sweep: str, every: int) -> Iterator[int]:
    """Yield numbers without end: from 0 all of them, or one of ``every``.

    Args:
        sweep: Name of the sweep, which decides about the first number.
        every: Distance of two numbers of a sample.
    """
    every = 1 if EVERY_CALL else every
    return itertools.count(zlib.crc32(sweep.encode()) % every, every)
