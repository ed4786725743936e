"""Compare photos with 50 ms of storage latency with local ones, in turns.

    python -m benchmarks.latency [--delay-ms 50] [--engine-ms 10] [--photos 1024] [--json FILE]

The same job runs twice: with photos, manifest, ledger and embeddings in local files, and with a
store that delays each request. Waiting is measured, in wall time, so the engine takes exactly
``--engine-ms`` per photo, whatever the load of the machine, and finds one face. Both sides run a
child of typical size, including its start and end.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.support.jobs import planned, run
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import in_turns
from tests.support.folder_buckets import FolderBuckets
from tests.support.jobs import SlowEngine, write_photos

TARGET_RATIO = 1.1
PHOTOS = 1_024


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--delay-ms", type=float, default=50.0)
    parser.add_argument("--engine-ms", type=float, default=10.0)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    engine = SlowEngine(options.engine_ms / 1000)
    turn = iter(range(10_000))
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(Path(folder, "photos"), options.photos)
        listed = [f"s3://photos/{path.name}" for path in photos]

        def job(delay: float) -> int:
            objects, name = FolderBuckets(Path(folder), delay), f"work/{next(turn)}"
            plan = planned(listed, f"s3://{name}", objects, engine)
            return run(plan, engine, Path(folder, name, "faces.db"), objects)

        delay = options.delay_ms / 1000
        times = in_turns(
            options.repeats, {"local": lambda: job(0.0), "remote": lambda: job(delay)}, warm=False
        )
    local, remote = times["local"], times["remote"]
    each = 1000 / options.photos
    row = {
        "photos": options.photos,
        "delay ms": options.delay_ms,
        "engine ms": options.engine_ms,
        "local ms per photo": local.wall_median * each,
        "remote ms per photo": remote.wall_median * each,
        "remote to local": median(
            slow / fast for slow, fast in zip(remote.wall, local.wall, strict=True)
        ),
        "target": TARGET_RATIO,
    }
    show("storage latency, wall time", [row])
    finish("latency", {"result": row}, options.json)


if __name__ == "__main__":
    main()
