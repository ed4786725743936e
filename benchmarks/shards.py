"""Compare the search of a collection with that of the same faces in several shards.

    python -m benchmarks.shards [--faces 300000] [--shards 1 2 4 8] [--json FILE]

Synthetic faces (see ``benchmarks.search``) are stored in one collection, and again in collections
among which they are divided by the hash of their photo. A search of the shards merges the nearest
faces of each. Its result must be that of the whole. Times are medians of processor time, in turns.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from heapq import merge
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.search import (
    BATCH,
    MAX_DISTANCE,
    PHOTOS_PER_PERSON,
    shots,
    stored,
    synthetic_people,
)
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import in_turns, ratio
from facerec.core.ids import group_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.records import StoredFace
    from facerec.storage.sqlite import SqliteStore

PROBES = 32
LIMIT = 10


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--faces", type=int, default=300_000)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported
    rows = measure(options.faces, options.shards, options.repeats)
    show(f"search of {options.faces:,} faces in shards", rows)
    finish("shards", {"faces": options.faces, "rows": rows}, options.json)


def measure(faces: int, shards: list[int], repeats: int) -> list[dict[str, Any]]:
    """Return, for each number of shards, the time of a search in proportion to one collection's."""
    import numpy as np

    from facerec.storage.sqlite import SqliteStore

    random = np.random.default_rng(1)
    people = synthetic_people(-(-faces // PHOTOS_PER_PERSON), random)
    embeddings = shots(np.repeat(people, PHOTOS_PER_PERSON, axis=0)[:faces], random)
    probes = shots(people[random.integers(0, len(people), PROBES)], random)
    numbers = sorted({1, *shards})
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteStore(Path(folder) / "facerec.db", large=10**12) as store,
    ):
        for start in range(0, faces, BATCH):
            batch = stored(embeddings[start : start + BATCH], start)
            for number in numbers:
                put(store, batch, number)
        searches = {str(number): partial(search_all, store, number, probes) for number in numbers}
        times = in_turns(repeats, searches)
        whole = times["1"]
        return [
            {
                "shards": number,
                "faces of the largest": max(map(store.count_faces, names(number))),
                "same result": times[str(number)].result == whole.result,
                "processor time to one": ratio(times[str(number)], whole),
            }
            for number in numbers
        ]


def names(number: int) -> list[str]:
    """Return the collections that are the shards of ``number``."""
    return [f"{shard}-of-{number}" for shard in range(number)]


def put(store: SqliteStore, faces: Sequence[StoredFace], number: int) -> None:
    """Store faces in ``number`` shards, by the hash of their photo."""
    shards: dict[str, dict[str, list[StoredFace]]] = {name: {} for name in names(number)}
    for face in faces:
        group = group_of(face.record.face_id)
        shards[names(number)[int(group[:8], 16) % number]][group] = [face]
    for name, images in shards.items():
        if images:
            store.put_images(name, images)


def search_all(store: SqliteStore, number: int, probes: NDArray[np.float32]) -> list[list[str]]:
    """Return the ids of the faces nearest to each probe, one probe at a time, over all shards."""
    found = []
    for probe in probes:
        nearest = [
            store.search(name, probe[None], limit=LIMIT, max_distance=MAX_DISTANCE)[0]
            for name in names(number)
        ]
        merged = merge(*nearest, key=attrgetter("distance"))
        found.append([face.face_id for face in islice(merged, LIMIT)])
    return found


if __name__ == "__main__":
    main()
