"""Compare two worker processes with one, on the same photos.

    python -m benchmarks.workers [--photos 3600] [--json FILE]

The jobs run as by ``facerec index``, including the start of the workers. Wall time is what a user
waits for; measure it on an idle machine. Processor time per photo shows the loss between workers
under any load: if it does not grow, two cores do twice as much.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.support.jobs import create_collection, planned
from benchmarks.support.photos import any_photos
from benchmarks.support.results import arguments, finish, show
from facerec.engine.engine import open_engine
from facerec.jobs.child.attempt import ChildDependencies
from facerec.jobs.local.supervisor import run_children
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore

TARGET = 1.9
PHOTOS_PER_CHILD = 25


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=3_600)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    photos = [str(path) for path in any_photos(options.photos)]
    runs: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.repeats):
            for workers, taken in runs.items():
                taken.append(measure(photos, Path(folder, f"{turn}-{workers}"), workers))
    # The minimum of each: disturbances only ever make a run longer.
    wall = {workers: min(wall for wall, _ in taken) for workers, taken in runs.items()}
    spent = {workers: min(spent for _, spent in taken) for workers, taken in runs.items()}
    rows: list[dict[str, Any]] = [
        {
            "workers": workers,
            "photos per second": options.photos / wall[workers],
            "ms of processor time per photo": 1000 * spent[workers] / options.photos,
            "times faster": wall[1] / wall[workers],
            "expected speedup on an idle machine": workers * spent[1] / spent[workers],
        }
        for workers in runs
    ]
    show(f"workers, {options.photos} photos; target: {TARGET}", rows)
    finish("workers", {"workers": rows, "target": TARGET}, options.json)


def measure(photos: list[str], folder: Path, workers: int) -> tuple[float, float]:
    """Return wall and processor seconds of a job."""
    plan = planned(
        photos,
        str(folder),
        LocalObjects(),
        open_engine(threads=1),
        images_per_child=PHOTOS_PER_CHILD,
    )
    create_collection(plan, folder / "faces.db")
    used, began = _processor_seconds(), time.perf_counter()
    build = partial(_dependencies, folder / "faces.db")
    result = run_children(plan, build, LocalObjects(), workers=workers)
    assert result.new_photos == len(photos)
    return time.perf_counter() - began, _processor_seconds() - used


def _dependencies(store: Path, _model_version: str) -> ChildDependencies:
    opened = SqliteStore(store)
    return ChildDependencies(open_engine(threads=1), opened, opened, LocalObjects())


def _processor_seconds() -> float:
    """Return the processor time of this process and of the workers that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + time.process_time()


if __name__ == "__main__":
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("needs two cores")
    main()
