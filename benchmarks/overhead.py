"""Measure the overhead of a job: manifest, reading, store, embeddings, ledger.

    python -m benchmarks.overhead [--photos 4000] [--json FILE]

The engine is a fake that takes hardly any time: a photo is a line of JSON that lists its faces. The
rest is the cost of the ledger, its commits and the store of faces per photo.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.support.jobs import planned, run
from benchmarks.support.machine import use_one_core
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import Times, clock
from facerec.core.options import FaceOptions
from facerec.storage.objects.local import LocalObjects
from facerec.testing.engine import FakeEngine
from tests.support.jobs import write_photos


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    use_one_core()
    rows = [measure(options.photos, faces, options.repeats) for faces in (0, 1, 3)]
    show("job overhead without the engine", rows)
    finish("overhead", {"jobs": rows}, options.json)


def measure(photos: int, faces: int, repeats: int) -> dict[str, Any]:
    """Time jobs over photos with ``faces`` faces each."""
    jobs, engines, again = Times(), Times(), Times()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder, "photos"), photos, faces)
        contents = [path.read_bytes() for path in paths]
        listed = [str(path) for path in paths]
        engine = FakeEngine()
        for turn in range(repeats):
            data = Path(folder, str(turn))
            clock(engines, lambda: engine.analyse(contents, FaceOptions()))
            plan = planned(listed, str(data), LocalObjects(), engine)
            clock(jobs, lambda plan=plan, data=data: run(plan, FakeEngine(), data / "faces.db"))
            other = planned(listed, f"{data}-again", LocalObjects(), engine)
            clock(again, lambda plan=other, data=data: run(plan, FakeEngine(), data / "faces.db"))
        kept = [path for path in Path(folder, "0", "jobs").rglob("*") if path.is_file()]
        sizes = {
            kind: sum(path.stat().st_size for path in kept if kind in path.parts) / photos
            for kind in ("ledger", "embeddings")
        }
    spent = jobs.processor_median - engines.processor_median
    return {
        "faces per photo": faces,
        "photos": photos,
        "ms of processor time per photo": 1000 * spent / photos,
        "photos per second": photos / spent,
        "photos per second if all are indexed": photos / again.processor_median,
        "ledger bytes per photo": sizes["ledger"],
        "embedding bytes per photo": sizes["embeddings"],
    }


if __name__ == "__main__":
    main()
