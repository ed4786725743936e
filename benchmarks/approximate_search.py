"""Compare searches through the index of the ``[faiss]`` extra with exact ones: time and recall.

    python -m benchmarks.approximate_search [--faces 1000000] [--json FILE]

Faces are generated from real descriptors of LFW: each is one of them, moved by the difference of
two real photos of another person, so that it resembles another photo of the same person. Probes are
generated in the same way. Recall is the share of the true ten neighbours that were found: those
within the default threshold, and all, including strangers.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.search import stored
from benchmarks.support.results import DATA, arguments, finish, show
from benchmarks.support.turns import in_turns
from facerec.core.ids import group_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.storage.faces import Neighbour

BATCH, PROBES, LIMIT = 1_000, 200, 10


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--photos", type=int, default=1_200, help="photos of LFW to describe")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    real, people = describe(options.photos)
    rows = [measure(faces, real, people, options.repeats) for faces in options.faces]
    show("searches of one probe, ms of processor time, one thread", rows)
    finish("approximate_search", {"sizes": rows}, options.json)


def describe(photos: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return real descriptors, and the number of each one's person."""
    import numpy as np

    from facerec.core.options import FaceOptions
    from facerec.core.photos import PhotoFaces
    from facerec.engine.engine import open_engine

    # All photos of a person, people with several photos first.
    folders = sorted(
        (DATA / "lfw" / "images").iterdir(), key=lambda folder: -len(list(folder.iterdir()))
    )
    paths = [path for folder in folders for path in sorted(folder.iterdir())][:photos]
    engine, options = open_engine(threads=1), FaceOptions(max_faces=1)
    found, names = [], []
    for start in range(0, len(paths), 16):
        some = paths[start : start + 16]
        for path, photo in zip(
            some, engine.analyse([path.read_bytes() for path in some], options), strict=True
        ):
            if isinstance(photo, PhotoFaces) and photo.faces:
                found.append(photo.faces[0].embedding)
                names.append(path.parent.name)
    return np.stack(found), np.unique(names, return_inverse=True)[1].astype(np.int64)


def multiplied(
    real: NDArray[np.float32],
    people: NDArray[np.int64],
    count: int,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Return ``count`` descriptors, each a real one moved by a real difference."""
    import numpy as np

    first = random.integers(0, len(real), 200_000)
    second = random.integers(0, len(real), 200_000)
    pairs = (people[first] == people[second]) & (first != second)
    differences = (real[first] - real[second])[pairs]
    result = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        result[start : start + size] = real[random.integers(0, len(real), size)]
        # A fraction of a difference, twice, so that all are distinct.
        for _ in range(2):
            moved = differences[random.integers(0, len(differences), size)]
            moved *= random.uniform(0.4, 0.8, (size, 1)).astype(np.float32)
            result[start : start + size] += moved
    return result


def measure(
    faces: int, real: NDArray[np.float32], people: NDArray[np.int64], repeats: int
) -> dict[str, Any]:
    """Search among ``faces`` faces in both ways."""
    import numpy as np

    from facerec.storage.sqlite import SqliteStore

    random = np.random.default_rng(5)
    embeddings = multiplied(real, people, faces, random)
    probes = multiplied(real, people, PROBES, random)
    max_distance = 0.76  # as a search at the default threshold: see facerec.gallery.scores.scoring
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facerec.db"
        with SqliteStore(path) as store:
            for start in range(0, faces, BATCH):
                batch = stored(embeddings[start : start + BATCH], start)
                store.put_images("all", {group_of(f.record.face_id): [f] for f in batch})
        del embeddings

        def search(
            store: SqliteStore, some: NDArray[np.float32], within: float = max_distance
        ) -> list[list[Neighbour]]:
            return store.search("all", some, limit=LIMIT, max_distance=within)

        with SqliteStore(path, large=10**12) as exact, SqliteStore(path, large=1) as quick:
            search(quick, probes[:1])  # the first search of a process builds no index
            start = time.process_time()
            search(quick, probes[:1])
            built = time.process_time() - start
            near = recall(search(exact, probes), search(quick, probes))
            every = recall(search(exact, probes, 10.0), search(quick, probes, 10.0))
            turn = iter(range(10**9))
            times = in_turns(
                repeats * 4,
                {
                    "exact": lambda: search(exact, probes[next(turn) % PROBES][None]),
                    "index": lambda: search(quick, probes[next(turn) % PROBES][None]),
                },
            )
        with SqliteStore(path, large=1) as reopened:
            start = time.perf_counter()
            search(reopened, probes[:1])
            first = time.perf_counter() - start
        size = next(Path(folder).glob("*.index-*")).stat().st_size
    return {
        "faces": faces,
        "exact": 1000 * times["exact"].processor_median,
        "index": 1000 * times["index"].processor_median,
        "times faster": times["exact"].processor_median / times["index"].processor_median,
        "recall within the threshold": near,
        "recall of any ten": every,
        "building the index, s": built,
        "first search of a process, ms": 1000 * first,
        "MB of the index": size / 1e6,
    }


def recall(truth: list[list[Neighbour]], found: list[list[Neighbour]]) -> float:
    """Return the share of the true neighbours of all probes that were found."""
    expected = [{neighbour.face_id for neighbour in near} for near in truth]
    returned = [{neighbour.face_id for neighbour in near} for near in found]
    hits = sum(len(a & b) for a, b in zip(expected, returned, strict=True))
    return hits / max(1, sum(map(len, expected)))


if __name__ == "__main__":
    main()
