"""Compare exact searches in the embedded store with one pass over the same memory.

    python -m benchmarks.search [--faces 100000 1000000] [--threads 1] [--json FILE]

Synthetic faces with the distances of real ones (about 0.8 between two people, about 0.36 between
two photos of a person) are stored in a temporary folder, 1 kB each on disk. Then searches take
turns with ``numpy.sum`` over the same embeddings, since every exact search must read them once.
Times are medians of processor time.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import Times, clock, in_turns, ratio
from facerec.core.ids import group_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.records import StoredFace

PHOTOS_PER_PERSON = 10
MEAN = 1.27
SPREAD_OF_PEOPLE = 0.8 / 256**0.5
SPREAD_OF_PHOTOS = 0.36 / 256**0.5
"""Norm of the mean descriptor, and standard deviations that give the distances above, which were
measured for dlib's descriptors."""

BATCH = 1000
PROBES = 64
TARGET = 1.4
"""Target for the ratio of a search with one probe to the sum over the same bytes."""

MAX_DISTANCE = 0.76
"""Maximum distance of a search at the default threshold (``facerec.gallery.scores.scoring``)."""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    # The linear algebra library reads it when numpy is imported.
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    rows = [measure(faces, options.repeats) for faces in options.faces]
    show(f"exact searches with {options.threads} threads, ms; target for one: {TARGET}", rows)
    finish("search", {"threads": options.threads, "sizes": rows}, options.json)


def measure(faces: int, repeats: int) -> dict[str, Any]:
    """Return the times of searches among ``faces`` faces, in ms unless their name has a unit."""
    import numpy as np

    from facerec.storage.sqlite import SqliteStore

    random = np.random.default_rng(1)
    people = synthetic_people(-(-faces // PHOTOS_PER_PERSON), random)
    embeddings = shots(np.repeat(people, PHOTOS_PER_PERSON, axis=0)[:faces], random)
    known = people[random.integers(0, len(people), PROBES * 3 // 4)]
    strangers = synthetic_people(PROBES - len(known), random)
    probes = shots(random.permutation(np.concatenate((known, strangers))), random)
    max_distance = MAX_DISTANCE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facerec.db"
        with SqliteStore(path, large=10**12) as store:
            started = time.perf_counter()
            for start in range(0, faces, BATCH):
                batch = embeddings[start : start + BATCH]
                store.put_images(
                    "all", {group_of(f.record.face_id): [f] for f in stored(batch, start)}
                )
            put = time.perf_counter() - started
        with SqliteStore(path, large=10**12) as store:

            def search(some: NDArray[np.float32]) -> int:
                found = store.search("all", some, limit=10, max_distance=max_distance)
                return sum(len(neighbours) for neighbours in found)

            first = Times()
            clock(first, lambda: search(probes[:1]))
            turn = iter(range(10**9))
            times = in_turns(
                repeats,
                {
                    "sum": embeddings.sum,
                    "one": lambda: search(probes[next(turn) % PROBES][None]),
                    "two": lambda: search(probes[:2]),
                    "four": lambda: search(probes[:4]),
                    "many": lambda: search(probes),
                },
            )
            found = search(probes)
        return {
            "faces": faces,
            "stored per second": faces / put,
            "bytes": path.stat().st_size,
            "neighbours of 64 probes": found,
            "first search of a process": 1000 * first.wall_median,
            "sum of the same bytes": 1000 * times["sum"].processor_median,
            "one probe": 1000 * times["one"].processor_median,
            "one probe to sum": ratio(times["one"], times["sum"]),
            "two probes to sum": ratio(times["two"], times["sum"]),
            "four probes to sum": ratio(times["four"], times["sum"]),
            "each of 64 probes": 1000 * times["many"].processor_median / PROBES,
            "each of 64 to sum": ratio(times["many"], times["sum"]) / PROBES,
        }


def synthetic_people(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return the mean descriptors of ``count`` people: float32, shape (count, 128)."""
    import numpy as np

    spread = random.standard_normal((count, 128), dtype=np.float32)
    return np.float32(MEAN / 128**0.5) + np.float32(SPREAD_OF_PEOPLE) * spread


def shots(people: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Return the descriptor of one photo for each row of ``people``."""
    import numpy as np

    photos = random.standard_normal(people.shape, dtype=np.float32)
    photos *= np.float32(SPREAD_OF_PHOTOS)
    photos += people
    return photos


def stored(embeddings: NDArray[np.float32], start: int) -> list[StoredFace]:
    """Return faces as a job stores them, each in its own photo."""
    from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
    from facerec.core.ids import face_id, image_id, image_key
    from facerec.core.records import FaceRecord, StoredFace

    box = BoundingBox(0.31, 0.27, 0.32, 0.32)
    eye, nose = Point(0.4, 0.4), Point(0.47, 0.5)
    faces = []
    for number, embedding in enumerate(embeddings, start):
        content_id = image_id(number.to_bytes(8))
        record = FaceRecord(
            face_id=face_id(image_key("all", content_id, None, "synthetic"), box),
            image_id=content_id,
            external_image_id=f"photo-{number}.jpg",
            source=f"s3://bucket/photos/{number}.jpg",
            box=box,
            confidence=0.99,
            landmarks=Landmarks(eye, eye, eye, eye, nose),
            quality=Quality(80.0, 50.0, 50.0, Pose(0.0, 0.0, 0.0)),
            model_version="synthetic",
            options_digest="0123456789ab",
            indexed_at=1_700_000_000.0,
        )
        faces.append(StoredFace(record, embedding))
    return faces


if __name__ == "__main__":
    main()
