"""Compare searches that score and decide with searches by distance alone.

    python -m benchmarks.rescoring [--faces 1000000] [--repeats 25] [--json FILE]

Synthetic faces (see ``benchmarks.search``) are stored in a temporary folder. A search for ten faces
by distance takes turns with a complete one: the 100 nearest are scored, people and corrections are
looked up, and a decision is made. Also measured: the cohort stats of a face, alone and described
with others. Before each measurement, a search displaces the cohort from the processor's caches.
Times are medians of processor time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import in_turns, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = 1.05
"""Target for the ratio of a whole search to one by distance."""

STATS_TARGET = 0.2
"""Target for the cohort stats of a face, in ms."""

TOGETHER = (1, 8, 64)
"""Numbers of faces whose stats are computed together."""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=25)
    options = parser.parse_args()
    # The linear algebra library reads it when numpy is imported.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    rows = [measure(faces, options.repeats) for faces in options.faces]
    show(f"searches for one face, ms; targets: ratio {TARGET}, stats {STATS_TARGET} ms", rows)
    finish("rescoring", {"sizes": rows}, options.json)


def measure(faces: int, repeats: int) -> dict[str, Any]:
    """Return the times of searches among ``faces`` faces, in ms."""
    from dataclasses import replace

    import numpy as np

    from benchmarks.search import (
        BATCH,
        MAX_DISTANCE,
        PHOTOS_PER_PERSON,
        PROBES,
        shots,
        stored,
        synthetic_people,
    )
    from facerec.core.ids import group_of
    from facerec.core.options import DEFAULT_THRESHOLD
    from facerec.core.photos import EmbeddedFace
    from facerec.core.records import StoredFace
    from facerec.engine.engine import open_engine
    from facerec.gallery.search.matching import search_probes
    from facerec.storage.sqlite import SqliteStore

    random, engine = np.random.default_rng(1), open_engine(threads=1)
    people = synthetic_people(-(-faces // PHOTOS_PER_PERSON), random)
    embeddings = shots(np.repeat(people, PHOTOS_PER_PERSON, axis=0)[:faces], random)
    photos = shots(people[random.integers(0, len(people), PROBES)], random)
    # which stats faces have does not matter for the time
    stats = engine.cohort_stats(photos)
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteStore(Path(folder) / "facerec.db", large=10**12) as store,
    ):
        for start in range(0, faces, BATCH):
            batch = [
                StoredFace(replace(face.record, stats=stats[0]), face.embedding)
                for face in stored(embeddings[start : start + BATCH], start)
            ]
            store.put_images("all", {group_of(face.record.face_id): [face] for face in batch})
        look = batch[0].record
        probes = [
            EmbeddedFace(look.box, look.confidence, look.landmarks, look.quality, photo, own)
            for photo, own in zip(photos, stats, strict=True)
        ]
        turn = iter(range(10**9))

        def by_distance() -> None:
            probe = photos[next(turn) % PROBES]
            store.search("all", probe[None], limit=10, max_distance=MAX_DISTANCE)

        def stats_of(count: int) -> Callable[[], None]:
            def compute() -> None:
                engine.cohort_stats(photos[:count])

            return compute

        def whole() -> None:
            search_probes(
                [probes[next(turn) % PROBES]],
                collection_id="all",
                faces=store,
                records=store,
                cohort=engine,
                threshold=DEFAULT_THRESHOLD,
                limit=10,
            )

        by_distance()
        times = in_turns(
            repeats,
            {
                "distance": by_distance,
                "whole": whole,
            },
        )
        stats_times = {}
        for count in TOGETHER:
            ways = {"distance": by_distance, "stats": stats_of(count)}
            stats_times[count] = in_turns(repeats, ways)["stats"].processor_median / count
    return {
        "faces": faces,
        "by distance": 1000 * times["distance"].processor_median,
        "whole": 1000 * times["whole"].processor_median,
        "ratio": ratio(times["whole"], times["distance"]),
        **{
            f"stats of a face, {count} together": 1000 * seconds
            for count, seconds in stats_times.items()
        },
    }


if __name__ == "__main__":
    main()
