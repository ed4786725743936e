"""Two worker processes beside one, on the same photos.

    python -m benchmarks.workers [--photos 3600] [--json FILE]

Jobs as ``facerec index`` runs them, start of the workers included. The wall time tells what a user
waits for, and needs a machine that has nothing else to do. The processor time of a photo tells what
is lost between workers whatever else the machine does: if it does not grow, two cores do twice as
much.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.support.jobs import planned
from benchmarks.support.photos import any_photos
from benchmarks.support.results import arguments, finish, show
from facerec.engine.engine import open_engine
from facerec.jobs.child.attempt import ChildParts
from facerec.jobs.local.supervisor import run_locally
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore

REACH = 1.9
PHOTOS_OF_CHILD = 25


def main() -> None:
    """Measure and print."""
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
    # The least of each: what disturbs a run only ever makes it longer.
    wall = {workers: min(wall for wall, _ in taken) for workers, taken in runs.items()}
    spent = {workers: min(spent for _, spent in taken) for workers, taken in runs.items()}
    rows: list[dict[str, Any]] = [
        {
            "workers": workers,
            "photos a second": options.photos / wall[workers],
            "ms of processor time a photo": 1000 * spent[workers] / options.photos,
            "times faster": wall[1] / wall[workers],
            "with the processors to itself": workers * spent[1] / spent[workers],
        }
        for workers in runs
    ]
    show(f"workers, {options.photos} photos; to reach: {REACH}", rows)
    finish("workers", {"workers": rows, "reach": REACH}, options.json)


def measure(photos: list[str], folder: Path, workers: int) -> tuple[float, float]:
    """Return wall and processor seconds of a job."""
    plan = planned(
        photos,
        str(folder),
        LocalObjects(),
        open_engine(threads=1),
        images_per_child=PHOTOS_OF_CHILD,
    )
    used, began = _processor_seconds(), time.perf_counter()
    run = run_locally(plan, partial(_parts, folder / "faces.db"), LocalObjects(), workers=workers)
    assert run.report.tally.images == len(photos)
    return time.perf_counter() - began, _processor_seconds() - used


def _parts(store: Path) -> ChildParts:
    return ChildParts(open_engine(threads=1), SqliteStore(store), LocalObjects())


def _processor_seconds() -> float:
    """Return what the workers that have ended, and this process, have used."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + time.process_time()


if __name__ == "__main__":
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("needs two cores")
    main()
