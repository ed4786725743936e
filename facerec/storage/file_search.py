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
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from facerec.errors import StoreUnavailableError

HEADER_BYTES = 32
"""Maximum size of the header of a row before its first column: the types of up to 16 columns."""

_PROGRAM = """
import json, sys
given = json.load(sys.stdin)
header = given["header_bytes"]
patterns = [[bytes.fromhex(text) for text in each] for each in given["patterns"]]
overlap = header + max((sum(map(len, each)) for each in patterns), default=1)
databases = (b"SQLite format 3", b"\\x37\\x7f\\x06", b"\\xd9\\xd5\\x05\\xf9")

def varint(content, place):
    value = 0
    for byte in content[place:place + 9]:
        place += 1
        value = (value << 7) | (byte & 127)
        if byte < 128:
            break
    return value, place

def begins_with(content, start, texts):
    # Types of texts in the header of a row: https://www.sqlite.org/fileformat2.html, section 2.1
    first, second = (2 * len(text) + 13 for text in texts[:2])
    longer = False
    for place in range(max(0, start - header), start):
        found, place = varint(content, place)
        if found == first:
            found, place = varint(content, place)
            if place <= start and found == second:
                return True
            longer = longer or (place <= start and found > second and found % 2 == 1)
    # If the header is lost, whatever is left counts.
    return not longer

def contains(content, texts):
    text = b"".join(texts)
    if len(texts) == 1:
        return text in content
    place = content.find(text)
    while place >= 0:
        if begins_with(content, place, texts):
            return True
        place = content.find(text, place + 1)
    return False

found = {}
for path in given["paths"]:
    inside, end = set(), b""
    try:
        with open(path, "rb") as file:
            is_database = file.read(16).startswith(databases)
            file.seek(0)
            while piece := file.read(1 << 24):
                content = end + piece
                inside.update(
                    i
                    for i, each in enumerate(patterns)
                    if i not in inside
                    and (is_database or len(each) == 1)
                    and contains(content, each)
                )
                end = content[-overlap:]
    except FileNotFoundError:
        continue
    if inside:
        found[path] = sorted(inside)
json.dump(found, sys.stdout)
"""
"""Program of that process. It keeps 16 MiB of a file in memory; a deleted file counts as empty."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The first columns of a row of an SQLite database, at least two texts.

    Their bytes are adjacent. Rows whose second column only begins like this one do not match, as
    far as the file still has the headers of the rows.
    """

    texts: tuple[str, ...]


Pattern: TypeAlias = "bytes | Columns"


def search_files(
    paths: Sequence[str | Path], patterns: Sequence[Pattern]
) -> Mapping[str, Sequence[int]]:
    """Return the indexes of the patterns that each file contains, by path.

    Files that contain no pattern are omitted. ``Columns`` are searched for only in files of SQLite:
    databases, their logs and journals.

    Raises:
        StoreUnavailableError: A file cannot be read.
    """
    given = {
        "paths": [str(path) for path in paths],
        "patterns": [
            [pattern.hex()]
            if isinstance(pattern, bytes)
            else [text.encode().hex() for text in pattern.texts]
            for pattern in patterns
        ],
        "header_bytes": HEADER_BYTES,
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
