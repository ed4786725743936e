"""Measure the time from the start of a process to its result, compared with the peer.

    python -m benchmarks.startup [--repeats 5] [--json FILE]

Each turn starts a new process. The first turn, which fills the system's file cache, is not counted.
Processor time excludes other load on the machine. As in an installed package, the bytecode of
modules is kept: the first turn compiles them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.support import peer
from benchmarks.support.results import EXAMPLES, arguments, finish, show

PHOTO = EXAMPLES / "eileen-collins-1.jpg"


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = commands(folder)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(options.repeats + 1):
            for name, command in ways.items():
                times = seconds(command)
                if turn:
                    taken[name].append(times)
    rows = [
        {
            "command": name,
            "ms of processor time": 1000 * median(spent for spent, _ in times),
            "ms of wall time": 1000 * median(wall for _, wall in times),
        }
        for name, times in taken.items()
    ]
    show("start to result, one photo of 0.26 megapixels", rows)
    finish("startup", {"ways": rows}, options.json)


def commands(folder: str) -> dict[str, list[str]]:
    """Return the commands to run, by name."""
    facerec = [sys.executable, "-m", "facerec.cli.main"]
    ways = {
        "python alone": [sys.executable, "-c", ""],
        "facerec --help": [*facerec, "--help"],
        "facerec collections list": [*facerec, "collections", "list", "--data", folder],
        "facerec jobs list": [*facerec, "jobs", "list", "--data", folder],
        "facerec detect": [*facerec, "detect", str(PHOTO)],
        "facerec compare (two photos)": [*facerec, "compare", str(PHOTO), str(PHOTO)],
    }
    if peer.is_installed():
        program = (
            "from pathlib import Path; from benchmarks.support import peer; "
            f"peer.index([Path({str(PHOTO)!r})])"
        )
        ways["face_recognition, one photo"] = [sys.executable, "-c", program]
    return ways


def seconds(command: list[str]) -> tuple[float, float]:
    """Return processor and wall seconds of a command, which must succeed."""
    used, began = _used(), time.perf_counter()
    root = Path(__file__).resolve().parents[1]
    subprocess.run(command, check=True, capture_output=True, cwd=root, env=_environment())
    return _used() - used, time.perf_counter() - began


def _environment() -> dict[str, str]:
    """Return the environment without the setting that makes Python compile each module again."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _used() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


if __name__ == "__main__":
    main()
