"""Searches files for bytes, in a separate process.

A process that closes a file of an SQLite database drops the locks that its own connections hold on
it (https://www.sqlite.org/howtocorrupt.html, section 2.2). So files that may be part of one are
opened in another process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from facerec.errors import StoreUnavailableError

_PROGRAM = """
import json, sys
given = json.load(sys.stdin)
patterns = [bytes.fromhex(each) for each in given["patterns"]]
overlap = max(map(len, patterns), default=1) - 1
found = {}
for path in given["paths"]:
    inside, end = set(), b""
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 24):
                content = end + piece
                inside.update(i for i, each in enumerate(patterns) if each in content)
                end = content[-overlap:] if overlap else b""
    except FileNotFoundError:
        continue
    if inside:
        found[path] = sorted(inside)
json.dump(found, sys.stdout)
"""
"""Program of that process. It keeps 16 MiB of a file in memory; a deleted file counts as empty."""


def search_files(
    paths: Sequence[str | Path], patterns: Sequence[bytes]
) -> Mapping[str, Sequence[int]]:
    """Return the indexes of the patterns that each file contains, by path.

    Files that contain no pattern are omitted.

    Raises:
        StoreUnavailableError: A file cannot be read.
    """
    given = {
        "paths": [str(path) for path in paths],
        "patterns": [pattern.hex() for pattern in patterns],
    }
    run = subprocess.run(  # noqa: S603 - a program of our own
        (sys.executable, "-I", "-S", "-c", _PROGRAM),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        reason = (run.stderr.splitlines() or ["the search process was killed"])[-1]
        raise StoreUnavailableError(f"files cannot be searched: {reason}")
    found: Mapping[str, Sequence[int]] = json.loads(run.stdout)
    return found
