"""Compare the commands of this checkout with those of another one, in turns.

    python -m benchmarks.checkouts OTHER [--repeats 11] [--commands NAME ...] [--json FILE]

OTHER is another checkout of the project, such as an earlier commit, with its own environment in
``.venv``. Each turn starts a new process in both; the first turn compiles the modules and is not
counted. Times are processor time, and memory is the peak of the largest process, both including
worker processes. Photos are indexed with the default smallest face of each checkout, and with the
same one in both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.memory import kinds
from benchmarks.support.photos import example_photos
from benchmarks.support.results import EXAMPLES, ROOT, arguments, finish, show

PHOTO = str(EXAMPLES / "eileen-collins-1.jpg")
SAME_SMALLEST_FACE = ("40", "80")
"""Smallest faces in pixels to index with in both checkouts."""

KINDS = ("london, 1350x1350", "12 megapixels")
"""Photos to index, by their names in ``benchmarks.memory``."""

_WAITING = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Starts a command and prints what it took. A small process of its own, since the peak of a command
begins with the memory of the process that starts it."""

Words = Callable[[Path], Sequence[str]]
"""Returns the words of a command for a data folder."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a command took: seconds of processor time, and megabytes."""

    seconds: float
    megabytes: float


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("other", type=Path, metavar="OTHER")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--commands", nargs="*", metavar="NAME")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        roots = {
            root: Path(folder, str(number)) for number, root in enumerate((ROOT, options.other))
        }
        for root, data in roots.items():
            prepare(root.resolve(), data)
        for name, words in commands(Path(folder, "photos")).items():
            if options.commands and name not in options.commands:
                continue
            rows.append(compared(name, words, roots, options.repeats))
    show("this checkout and the other one", rows)
    finish("checkouts", {"commands": rows}, options.json)


def prepare(root: Path, data: Path) -> None:
    """Index two photos and an unreadable file, so that each listing has something to show."""
    photos = data / "photos"
    photos.mkdir(parents=True)
    for path in example_photos()[:2]:
        shutil.copy(path, photos)
    (photos / "broken.jpg").write_text("not a photo")
    run(root, ["index", str(photos), *_into(data), "--tolerated-failures", "100"])


def commands(folder: Path) -> dict[str, Words]:
    """Return the commands to compare, by name; photos to index are written to ``folder``."""
    named: dict[str, Words] = {
        "help": lambda _: ["--help"],
        "help of index": lambda _: ["index", "--help"],
        "help of jobs": lambda _: ["jobs", "--help"],
        "detect": lambda _: ["detect", PHOTO],
        "compare": lambda _: ["compare", PHOTO, PHOTO],
        "match": lambda data: ["match", PHOTO, *_into(data)],
        "collections list": lambda data: ["collections", "list", "--data", str(data)],
        "faces list": lambda data: ["faces", "list", *_into(data)],
        "index, one photo": lambda data: ["index", PHOTO, *_into(_emptied(data))],
    }
    for command in ("list", "status", "report", "failures"):
        named[f"jobs {command}"] = partial(_jobs, command)
    folder.mkdir()
    found = kinds(folder)
    for kind in KINDS:
        place = folder / kind
        place.mkdir()
        for path in found[kind]:
            shutil.copy(path, place)
        named[f"index, {kind}"] = _index(place)
        for side in SAME_SMALLEST_FACE:
            named[f"index, {kind}, from {side} pixels"] = _index(place, "--smallest-face", side)
    return named


def compared(name: str, words: Words, roots: dict[Path, Path], repeats: int) -> dict[str, Any]:
    """Run a command in turns in both checkouts, and return what it took."""
    taken: dict[Path, list[Used]] = {root: [] for root in roots}
    for turn in range(repeats + 1):
        for root, data in roots.items():
            used = run(root.resolve(), words(data))
            if turn:
                taken[root].append(used)
    own, other = taken.values()
    return {
        "command": name,
        "ms": 1000 * median(used.seconds for used in own),
        "other ms": 1000 * median(used.seconds for used in other),
        "ratio": median(a.seconds / b.seconds for a, b in zip(own, other, strict=True)),
        "of the least": min(u.seconds for u in own) / min(u.seconds for u in other),
        "MB": median(used.megabytes for used in own),
        "other MB": median(used.megabytes for used in other),
        "ratio of MB": median(u.megabytes for u in own) / median(u.megabytes for u in other),
    }


def run(root: Path, words: Sequence[str]) -> Used:
    """Run a command of a checkout, which must succeed."""
    # As in an installed package, the bytecode of modules is kept.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    command = [str(root / ".venv" / "bin" / "facerec"), *words]
    waiting = [sys.executable, "-I", "-c", _WAITING, *command]
    done = subprocess.run(waiting, cwd=root, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} fails")
    seconds, kilobytes = done.stdout.split()
    return Used(float(seconds), int(kilobytes) * 1024 / 1e6)


def _into(data: Path) -> list[str]:
    return ["--collection", "measured", "--data", str(data)]


def _emptied(data: Path) -> Path:
    """Return a data folder beside another one, without what an earlier turn has left in it."""
    other = data.with_name(f"{data.name}-empty")
    shutil.rmtree(other, ignore_errors=True)
    return other


def _jobs(command: str, data: Path) -> list[str]:
    return ["jobs", command, "--data", str(data)]


def _index(photos: Path, *options: str) -> Words:
    """Return the words that index photos with one worker into an empty data folder."""
    return lambda data: ["index", str(photos), *_into(_emptied(data)), "--workers", "1", *options]


if __name__ == "__main__":
    main()
