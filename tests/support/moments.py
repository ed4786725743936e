"""The moments of an operation at which tests let something else happen: all, or a sample of them.

``FACEREC_EVERY_CALL=1`` takes all, as ``make chaos`` does.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import zlib
from collections.abc import Iterator

EVERY_CALL = bool(os.environ.get("FACEREC_EVERY_CALL"))
SEED = os.environ.get("FACEREC_SEED") or str(random.randrange(10**6))


def moments(count: int, sample: int) -> Iterator[int]:
    """Yield the first moment, the last one, and one at random in each of equal parts of the others.

    A sample is another one in each run; the output of a failed test names the ``FACEREC_SEED`` that
    repeats it.

    Args:
        count: Number of moments of the undisturbed operation.
        sample: Number of moments to take, more than 2; all if there are not more.
    """
    for moment in _chosen(count, sample):
        # pytest shows it only of a test that fails.
        sys.stdout.write(f"moment {moment} of {count}, chosen by FACEREC_SEED={SEED}\n")
        yield moment


def _chosen(count: int, sample: int) -> list[int]:
    if EVERY_CALL or count <= sample:
        return list(range(count))
    chance, parts = random.Random(SEED), sample - 2
    ends = [1 + part * (count - 2) // parts for part in range(parts + 1)]
    between = [chance.randrange(ends[part], ends[part + 1]) for part in range(parts)]
    return [0, *between, count - 1]


def every_nth(sweep: str, step: int) -> Iterator[int]:
    """Yield every ``step``-th number without end, for an operation whose length is not known.

    Args:
        sweep: Name of the sweep, which decides about the first number.
        step: Difference of two numbers of a sample, which is the same in each run.
    """
    step = 1 if EVERY_CALL else step
    return itertools.count(zlib.crc32(sweep.encode()) % step, step)
