"""Time exact searches in the embedded store beside one pass over the same memory.

    python benchmarks/search.py [--faces 100000 1000000] [--threads 1] [--json FILE]

Synthetic faces with the distances of real ones (two people about 0.8 apart, two photos of one
about 0.36) are put into a store in a temporary folder, 1 kB each on disk. Then searches take
turns with ``numpy.sum`` over the same embeddings: reading them once is what an exact search cannot
do without. Times are medians; ``ratio`` is the time of a search to that of the sum.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.stores.records import StoredFace

PHOTOS_OF_A_PERSON = 10
MEAN = 1.27
SPREAD_OF_PEOPLE = 0.8 / 256**0.5
SPREAD_OF_PHOTOS = 0.36 / 256**0.5
"""Norm of the mean descriptor, and standard deviations that give the distances above: those
measured for dlib's descriptors."""

BATCH = 1000
PROBES = 64


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path, help="where to write the results as JSON")
    arguments = parser.parse_args()
    # read by the linear algebra library when numpy is imported
    os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)
    results = {
        "machine": {"processor": processor(), "cores": os.cpu_count(), "load": os.getloadavg()},
        "threads": arguments.threads,
        "sizes": [measure(faces, arguments.repeats) for faces in arguments.faces],
    }
    print_table(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def measure(faces: int, repeats: int) -> dict[str, Any]:
    """Return the times of searches among so many faces, in milliseconds unless named otherwise."""
    import numpy as np

    from facerec.gallery.similarity import DEFAULT_THRESHOLD, distance_of
    from facerec.stores.sqlite import SqliteStore

    random = np.random.default_rng(1)
    people = synthetic_people(-(-faces // PHOTOS_OF_A_PERSON), random)
    embeddings = shots(np.repeat(people, PHOTOS_OF_A_PERSON, axis=0)[:faces], random)
    known = people[random.integers(0, len(people), PROBES * 3 // 4)]
    strangers = synthetic_people(PROBES - len(known), random)
    probes = shots(random.permutation(np.concatenate((known, strangers))), random)
    max_distance = distance_of(DEFAULT_THRESHOLD)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facerec.db"
        with SqliteStore(path) as store:
            started = time.perf_counter()
            for start in range(0, faces, BATCH):
                batch = embeddings[start : start + BATCH]
                store.put_images("all", {f.record.face_id[:24]: [f] for f in stored(batch, start)})
            put = time.perf_counter() - started
        with SqliteStore(path) as store:

            def search(some: NDArray[np.float32]) -> int:
                found = store.search("all", some, top=10, max_distance=max_distance)
                return sum(len(neighbours) for neighbours in found)

            times: dict[str, list[float]] = {"first": [], "sum": [], "one": [], "many": []}
            clock(times["first"], lambda: search(probes[:1]))
            for turn in range(repeats):
                probe = probes[turn % PROBES][None]
                clock(times["sum"], embeddings.sum)
                clock(times["one"], partial(search, probe))
                clock(times["many"], lambda: search(probes))
            found = search(probes)
        medians = {name: median(values) for name, values in times.items()}
        return {
            "faces": faces,
            "put_faces_per_second": faces / put,
            "file_bytes": path.stat().st_size,
            "neighbours_of_64_probes": found,
            "first_search_of_a_process": medians["first"],
            "sum_of_the_same_bytes": medians["sum"],
            "one_probe": medians["one"],
            "one_probe_ratio": medians["one"] / medians["sum"],
            "each_of_64_probes": medians["many"] / PROBES,
            "each_of_64_probes_ratio": medians["many"] / PROBES / medians["sum"],
        }


def synthetic_people(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return the typical descriptors of some people: float32, shape (count, 128)."""
    import numpy as np

    spread = random.standard_normal((count, 128), dtype=np.float32)
    return np.float32(MEAN / 128**0.5) + np.float32(SPREAD_OF_PEOPLE) * spread


def shots(people: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Return a photo's descriptor for each row of ``people``."""
    import numpy as np

    photos = random.standard_normal(people.shape, dtype=np.float32)
    photos *= np.float32(SPREAD_OF_PHOTOS)
    photos += people
    return photos


def stored(embeddings: NDArray[np.float32], start: int) -> list[StoredFace]:
    """Return faces as a job would store them, each on a photo of its own."""
    from facerec.faces import BoundingBox, Landmarks, Point, Pose, Quality
    from facerec.gallery.ids import face_id, image_id, image_key
    from facerec.stores.records import FaceRecord, StoredFace

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
            settings="0123456789ab",
            indexed_at=1_700_000_000.0,
        )
        faces.append(StoredFace(record, embedding))
    return faces


def clock(times: list[float], action: Callable[[], object]) -> None:
    """Add the milliseconds that an action takes."""
    started = time.perf_counter()
    action()
    times.append(1000 * (time.perf_counter() - started))


def processor() -> str:
    """Return the name of the machine's processor."""
    with Path("/proc/cpuinfo").open() as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def print_table(results: dict[str, Any]) -> None:
    """Print the results for people."""
    machine = results["machine"]
    print(f"{machine['processor']}, {machine['cores']} cores, {results['threads']} used; ms\n")
    print("| faces | put a second | first search | sum | one probe | ratio | each of 64 | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in results["sizes"]:
        print(
            f"| {size['faces']:,} | {size['put_faces_per_second']:,.0f} "
            f"| {size['first_search_of_a_process']:,.0f} | {size['sum_of_the_same_bytes']:.2f} "
            f"| {size['one_probe']:.2f} | {size['one_probe_ratio']:.2f} "
            f"| {size['each_of_64_probes']:.2f} | {size['each_of_64_probes_ratio']:.2f} |"
        )


if __name__ == "__main__":
    main()
