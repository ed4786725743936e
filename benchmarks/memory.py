"""The most memory that a worker takes, for photos of each kind.

    python -m benchmarks.memory [--json FILE]

For each kind a new process runs a job: the real engine with one thread, store, ledger. Its peak is
what Linux counts as resident (``VmHWM``), the code of its libraries included.
"""

from __future__ import annotations

import tempfile
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.support.photos import enlarged, example_photos, press_photos, studio_photos
from benchmarks.support.results import DATA, arguments, finish, show

REACH = 600
"""Megabytes."""

LARGEST = (14_142, 7_071)
"""A hundred megapixels, the most that is decoded by default."""


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__).parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, photos) in enumerate(kinds(Path(folder)).items()):
            if photos:
                megabytes = in_a_process(photos, Path(folder, f"job-{number}"))
                rows.append(
                    {"photos": kind, "count": len(photos), "peak MB": megabytes, "reach": REACH}
                )
    show("peak memory of a worker", rows)
    finish("memory", {"kinds": rows}, options.json)


def kinds(folder: Path) -> dict[str, list[Path]]:
    """Return the photos of each kind; those that must be made first are below ``folder``."""
    portraits = studio_photos(4) or example_photos()[:4]
    return {
        "one small photo": example_photos()[:1],
        "lfw, 250x250": press_photos(64),
        "london, 1350x1350": studio_photos(34),
        "groups": sorted((DATA / "groups").rglob("*.jp*g")),
        "12 megapixels": _copies(folder / "large", portraits, 24, 4000, 3000),
        "50 megapixels": _copies(folder / "huge", portraits, 4, 8660, 5774),
        "100 megapixels": _copies(folder / "largest", portraits, 2, *LARGEST),
    }


def in_a_process(photos: list[Path], folder: Path) -> float:
    """Return the peak of a process that runs a job over photos, in megabytes."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(photos, folder, there))
    process.start()
    there.close()
    peak: float = here.recv()
    process.join()
    return peak


def _work(photos: list[Path], folder: Path, pipe: Connection) -> None:
    from benchmarks.support.jobs import planned, run
    from facerec.engine.engine import open_engine
    from facerec.storage.objects.local import LocalObjects

    engine = open_engine(threads=1)
    plan = planned([str(path) for path in photos], str(folder), LocalObjects(), engine)
    run(plan, engine, folder / "faces.db")
    pipe.send(_peak_megabytes())


def _peak_megabytes() -> float:
    # Not getrusage: what that says begins with the size of the process that started this one.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("needs Linux")


def _copies(folder: Path, photos: list[Path], count: int, width: int, height: int) -> list[Path]:
    """Make so many large photos, each a file of its own with another content."""
    folder.mkdir()
    contents = [enlarged(path, width, height) for path in photos[: min(count, len(photos))]]
    paths = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        # What follows the end of a JPEG changes its hash but not its pixels.
        path.write_bytes(contents[number % len(contents)] + bytes([number]))
        paths.append(path)
    return paths


if __name__ == "__main__":
    main()
