"""The moments of an operation at which tests let something else happen: all, or a sample of them.

``FACEREC_EVERY_CALL=1`` takes all, as ``make chaos`` does. A sample is another one in each run; the
output of a failed test names the ``FACEREC_SEED`` that repeats it.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

EVERY_CALL = bool(os.environ.get("FACEREC_EVERY_CALL"))
SEED = os.environ.get("FACEREC_SEED") or str(random.randrange(10**6))


def moments(count: int, sample: int) -> Iterator[int]:
    """Yield the first moment, the last one, and one at random in each of equal parts of the others.

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
