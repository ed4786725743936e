"""Measure the peak memory of a worker for photos of each kind.

    python -m benchmarks.memory [--json FILE]

For each kind, a new process runs a job with the real engine on one thread, the store and the
ledger. The peak is Linux's peak resident memory (``VmHWM``), including the code of libraries.
"""

from __future__ import annotations

import tempfile
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.support.photos import enlarged, example_photos, press_photos, studio_photos
from benchmarks.support.results import DATA, arguments, finish, show

TARGET = 600
"""Target in megabytes."""

MAX_SIZE = (14_142, 7_071)
"""A hundred megapixels, the default limit for decoding."""


def main() -> None:
    """Run the benchmark and print its results."""
    options = arguments(__doc__).parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, photos) in enumerate(kinds(Path(folder)).items()):
            if photos:
                megabytes = in_a_process(photos, Path(folder, f"job-{number}"))
                rows.append(
                    {"photos": kind, "count": len(photos), "peak MB": megabytes, "target": TARGET}
                )
    show("peak memory of a worker", rows)
    finish("memory", {"kinds": rows}, options.json)


def kinds(folder: Path) -> dict[str, list[Path]]:
    """Return the photos of each kind; generated ones are written to ``folder``."""
    portraits = studio_photos(4) or example_photos()[:4]
    return {
        "one small photo": example_photos()[:1],
        "lfw, 250x250": press_photos(64),
        "london, 1350x1350": studio_photos(34),
        "groups": sorted((DATA / "groups").rglob("*.jp*g")),
        "12 megapixels": _copies(folder / "large", portraits, 24, 4000, 3000),
        "50 megapixels": _copies(folder / "huge", portraits, 4, 8660, 5774),
        "100 megapixels": _copies(folder / "largest", portraits, 2, *MAX_SIZE),
    }


def in_a_process(photos: list[Path], folder: Path) -> float:
    """Return the peak memory in megabytes of a process that runs a job."""
    context = get_context("spawn")
    receiver, sender = context.Pipe()
    process = context.Process(target=_work, args=(photos, folder, sender))
    process.start()
    sender.close()
    peak: float = receiver.recv()
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
    # Not getrusage: its peak includes that of the parent process before the fork.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("needs Linux")


def _copies(folder: Path, photos: list[Path], count: int, width: int, height: int) -> list[Path]:
    """Write ``count`` large photos, each with different content."""
    folder.mkdir()
    contents = [enlarged(path, width, height) for path in photos[: min(count, len(photos))]]
    paths = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        # Bytes after the end of a JPEG change its hash but not its pixels.
        path.write_bytes(contents[number % len(contents)] + bytes([number]))
        paths.append(path)
    return paths


if __name__ == "__main__":
    main()
