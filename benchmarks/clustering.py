"""Measure how well and how quickly `facerec people suggest` clusters faces.

    python -m benchmarks.clustering COLLECTION... [--data FOLDER] [--faces 100000] [--json FILE]

The collections hold the photos of LFW or other labelled ones, indexed before, such as by `facerec
index ../shared/data/lfw/images --collection lfw`; several are clustered as one. The face nearest to
the middle of a photo shows the person whom the folder or the file names (`person_of`); the others
are strangers. Accuracy is pairwise: of the pairs of faces in one cluster, the share that shows one
person (precision), and of the pairs of one person, the share in one cluster (recall). F is their
harmonic mean.

For speed, distractors are added to the same faces: drawn from the distribution of people in the
collection, and around each person from the distribution of a person's faces.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.results import arguments, finish, show
from facerec.core.ids import first_of_group, image_key
from facerec.core.records import Collection, FaceRecord, StoredFace, by_image

if TYPE_CHECKING:
    from facerec.core.faces import CohortStats
    from facerec.gallery.search.sampling import SampledFace

FACES_PER_PERSON = 2
MORE = 1_000
STORED_AT_ONCE = 1_000
THRESHOLDS = (None, 0.9, 0.95, 0.99)


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("collections", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--faces", type=int, nargs="*", default=[100_000])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        shutil.copy(options.data / "facerec.db", data / "facerec.db")
        accuracy, faces = measure_accuracy(data, options.collections)
        show("accuracy", accuracy)
        speed = [
            measure_speed(data, faces, number, options.threads, str(number))
            for number in options.faces
        ]
        show(f"seconds with {options.threads} threads", speed)
    finish("clustering", {"accuracy": accuracy, "speed": speed}, options.json)


def measure_accuracy(
    data: Path, collections: list[str]
) -> tuple[list[dict[str, Any]], list[SampledFace]]:
    """Return pairwise precision and recall by threshold, and the faces."""
    from facerec.factory import open_gallery
    from facerec.storage.sqlite import SqliteStore

    rows = []
    with open_gallery(data) as gallery:
        faces = [face for each in collections for face in gallery.sample_faces(each, 10**9)]
    people = people_of([face.face.record for face in faces])
    for number, threshold in enumerate(THRESHOLDS):
        name = f"copy-{number}"
        with SqliteStore(data / "facerec.db") as store:
            copy(store, name, [face.face for face in faces])
        with open_gallery(data) as gallery:
            started = time.perf_counter()
            result = gallery.cluster_faces(name, pair_threshold=threshold)
            seconds = time.perf_counter() - started
            clusters = clusters_of(data, name, people)
            gallery.delete_collection(name)
        precision, recall = pairwise(people, clusters)
        rows.append(
            {
                "threshold": f"{result.pair_threshold:.4f}{'' if threshold else ' (default)'}",
                "faces": len(faces),
                "clusters": result.created,
                "precision": precision,
                "recall": recall,
                "F": 2 * precision * recall / (precision + recall),
                "seconds": seconds,
            }
        )
    return rows, faces


def measure_speed(
    data: Path, real: list[SampledFace], number: int, threads: int, name: str
) -> dict[str, Any]:
    """Return the times to cluster a number of faces, and ``MORE`` more."""
    from facerec.factory import open_gallery
    from facerec.storage.sqlite import SqliteStore

    first, more = number - len(real), MORE
    generated = distractors(real, first + more)
    with SqliteStore(data / "facerec.db") as store:
        copy(store, name, (face.face for face in real))
        copy(store, name, islice(generated, first))
    people = people_of([face.face.record for face in real])
    with open_gallery(data) as gallery:
        started = time.perf_counter()
        processor = time.process_time()
        gallery.cluster_faces(name, threads=threads)
        all_seconds = time.perf_counter() - started
        all_processor = time.process_time() - processor
        precision, recall = pairwise(people, clusters_of(data, name, people))
    with SqliteStore(data / "facerec.db") as store:
        copy(store, name, generated)
    with open_gallery(data) as gallery:
        started = time.perf_counter()
        processor = time.process_time()
        considered = gallery.cluster_faces(name, threads=threads).considered
        more_seconds = time.perf_counter() - started
        more_processor = time.process_time() - processor
    return {
        "faces": number,
        "all": all_seconds,
        "processor, all": all_processor,
        f"{MORE} more": more_seconds,
        f"processor, {MORE} more": more_processor,
        "considered": considered,
        "peak MB of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "precision among real faces": precision,
        "recall among real faces": recall,
    }


def copy(store: Any, name: str, faces: Iterable[StoredFace]) -> None:  # noqa: ANN401 - late import
    """Store faces in a collection, each with an id of its own for the collection."""
    from facerec.errors import CollectionExistsError

    source = iter(faces)
    while batch := list(islice(source, STORED_AT_ONCE)):
        try:
            model = batch[0].record.model_version
            store.create_collection(Collection(name, model, time.time()))
        except CollectionExistsError:
            pass
        store.put_images(name, by_image(batch))


def distractors(real: list[SampledFace], number: int) -> Iterable[StoredFace]:
    """Yield generated faces, ``FACES_PER_PERSON`` of each person, with stats of the real cohort."""
    import numpy as np

    from facerec.factory.engines import open_local_engine

    engine, random = open_local_engine(), np.random.default_rng(1)
    embeddings = np.stack([face.face.embedding for face in real]).astype(np.float64)
    people = people_of([face.face.record for face in real])
    groups: dict[str, list[int]] = {}
    for row, face in enumerate(real):
        if face.face.record.face_id in people:
            groups.setdefault(people[face.face.record.face_id], []).append(row)
    means = np.array([embeddings[rows].mean(axis=0) for rows in groups.values()])
    within = np.concatenate(
        [embeddings[r] - embeddings[r].mean(axis=0) for r in groups.values() if len(r) > 1]
    )
    correction = sum(len(r) for r in groups.values() if len(r) > 1)
    correction /= sum(len(r) - 1 for r in groups.values() if len(r) > 1)
    between = np.linalg.cholesky(np.cov(means.T) + 1e-6 * np.eye(means.shape[1]))
    around = np.linalg.cholesky(np.cov(within.T) * correction + 1e-6 * np.eye(means.shape[1]))
    record = real[0].face.record
    done = 0
    while done < number:
        count = min(STORED_AT_ONCE, number - done)
        centres = means.mean(axis=0) + random.normal(size=(count, means.shape[1])) @ between.T
        centres = np.repeat(centres, FACES_PER_PERSON, axis=0)[:count]
        made = centres + random.normal(size=centres.shape) @ around.T
        made = made.astype(np.float32)
        for place, (values, stats) in enumerate(
            zip(made, engine.cohort_stats(made), strict=True), done
        ):
            yield StoredFace(_record(record, place, stats), values)
        done += count


def _record(record: FaceRecord, number: int, stats: CohortStats) -> FaceRecord:
    key = image_key("generated", str(number), None, record.model_version)
    return replace(record, face_id=first_of_group(key), source=f"generated/{number}", stats=stats)


def people_of(records: list[FaceRecord]) -> dict[str, str]:
    """Return whom faces show by face id, without those that are not nearest to the middle."""
    nearest: dict[str, tuple[float, int]] = {}
    for row, record in enumerate(records):
        box = record.box
        middle = (box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5)
        offset = middle[0] ** 2 + middle[1] ** 2
        nearest[record.source] = min(nearest.get(record.source, (9.0, -1)), (offset, row))
    chosen = [records[row] for _, row in nearest.values()]
    return {record.face_id: person_of(Path(record.source)) for record in chosen}


def person_of(photo: Path) -> str:
    """Return the name of the person whom a photo shows, as its publisher writes it."""
    match photo.parts[-3:]:
        case (_, "johns", name):
            return name.partition("__")[0]
        case (_, "london", name):
            return name.partition("_")[0]
        case ("fairface", "images", name):
            return name
        case (*_, folder, _):
            return folder
    return photo.name


def pairwise(people: dict[str, str], clusters: dict[str, int]) -> tuple[float, float]:
    """Return the precision and recall of pairs of labelled faces."""
    same = pairs(Counter(people.values()))
    together = pairs(Counter(clusters[face] for face in people if face in clusters))
    both = pairs(Counter((clusters[face], people[face]) for face in people if face in clusters))
    return both / max(1, together), both / max(1, same)


def pairs(sizes: Counter[Any]) -> int:
    """Return the number of pairs within groups of some sizes."""
    return sum(size * (size - 1) // 2 for size in sizes.values())


def clusters_of(data: Path, name: str, face_ids: Iterable[str]) -> dict[str, int]:
    """Return the numbers of clusters by face id."""
    from facerec.storage.sqlite.cluster_store import SqliteClusters
    from facerec.storage.sqlite.database import Database

    database = Database(data / "facerec.db")
    try:
        return SqliteClusters(database).clusters_of_faces(name, list(face_ids))
    finally:
        database.close()


if __name__ == "__main__":
    main()
