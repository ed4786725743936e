"""Sorts more lines than fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from typing import Any

LINES_IN_MEMORY = 500_000
"""Maximum number of lines to sort in memory, about 150 bytes each."""


def sorted_lines(lines: Iterable[str], key: Callable[[str], Any]) -> Iterator[str]:
    """Yield lines, without line feeds, in order; many lines are sorted in temporary files."""
    remaining = iter(lines)
    first = sorted(islice(remaining, LINES_IN_MEMORY), key=key)
    with ExitStack() as files:
        runs: list[Iterable[str]] = [first]
        while chunk := sorted(islice(remaining, LINES_IN_MEMORY), key=key):
            file = files.enter_context(
                tempfile.TemporaryFile("w+", newline="\n", errors="surrogateescape")
            )
            file.writelines(f"{line}\n" for line in chunk)
            file.seek(0)
            runs.append(line.removesuffix("\n") for line in file)
            del chunk
        yield from first if len(runs) == 1 else merge(*runs, key=key)
