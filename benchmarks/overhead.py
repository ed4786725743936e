"""What a job costs beside looking at photos: manifest, reading, store, embeddings, ledger.

    python -m benchmarks.overhead [--photos 4000] [--json FILE]

The engine is a stand-in that takes next to no time: a photo is a line of JSON that says which faces
it shows. What is left is what the ledger, its commits and the store of faces cost for each photo.
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
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    use_one_core()
    rows = [measure(options.photos, faces, options.repeats) for faces in (0, 1, 3)]
    show("job overhead, the engine left out", rows)
    finish("overhead", {"jobs": rows}, options.json)


def measure(photos: int, faces: int, repeats: int) -> dict[str, Any]:
    """Time jobs over photos of so many faces."""
    jobs, engines, again = Times(), Times(), Times()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder, "photos"), photos, faces)
        contents = [path.read_bytes() for path in paths]
        listed = [str(path) for path in paths]
        engine = FakeEngine()
        for turn in range(repeats):
            place = Path(folder, str(turn))
            clock(engines, lambda: engine.analyse(contents, FaceOptions()))
            plan = planned(listed, str(place), LocalObjects(), engine)
            clock(jobs, lambda plan=plan, place=place: run(plan, FakeEngine(), place / "faces.db"))
            other = planned(listed, f"{place}-again", LocalObjects(), engine)
            clock(
                again, lambda plan=other, place=place: run(plan, FakeEngine(), place / "faces.db")
            )
        kept = [path for path in Path(folder, "0", "jobs").rglob("*") if path.is_file()]
        sizes = {
            kind: sum(path.stat().st_size for path in kept if kind in path.parts) / photos
            for kind in ("ledger", "embeddings")
        }
    spent = jobs.processor_median - engines.processor_median
    return {
        "faces of a photo": faces,
        "photos": photos,
        "ms of processor time a photo": 1000 * spent / photos,
        "photos a second": photos / spent,
        "when all are indexed already": photos / again.processor_median,
        "ledger bytes a photo": sizes["ledger"],
        "embedding bytes a photo": sizes["embeddings"],
    }


if __name__ == "__main__":
    main()
