"""Measure how the cost of operations in the embedded store grows.

    python -m benchmarks.store_growth [--faces 10000 100000] [--json FILE]

Synthetic faces are stored in a temporary folder; half of them are associated with people, five
faces each. Each operation is measured once per size. Times are processor times in ms unless they
are called wait: those of a busy disk say little. Linear growth is a factor of 10 from one size to
the next.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.search import PHOTOS_PER_PERSON, shots, stored, synthetic_people
from benchmarks.support.results import arguments, finish, show
from facerec.core.ids import group_of

if TYPE_CHECKING:
    from facerec.core.records import StoredFace
    from facerec.storage.sqlite import SqliteStore

BATCH = 1000
FACES_PER_STEP = 32
SCATTERED = 1000
"""Number of faces, spread over the collection, that are deleted before a search."""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    rows = [row for faces in options.faces for row in measure(faces)]
    sizes = [f"{faces:,} faces" for faces in options.faces]
    by_operation: dict[str, dict[str, Any]] = {}
    for faces, name, value in rows:
        by_operation.setdefault(name, {"operation": name})[f"{faces:,} faces"] = value
    table = [
        {"operation": row["operation"], **{s: row[s] for s in sizes}}
        for row in by_operation.values()
    ]
    show("the cost of operations, by the size of the collection", table)
    finish("store_growth", {"operations": table}, options.json)


def measure(faces: int) -> list[tuple[int, str, float]]:
    """Return the costs in a collection of ``faces`` faces: size, operation and cost."""
    import numpy as np

    from facerec.storage.sqlite import SqliteStore

    random = np.random.default_rng(1)
    people = synthetic_people(-(-faces // PHOTOS_PER_PERSON), random)
    embeddings = shots(np.repeat(people, PHOTOS_PER_PERSON, axis=0)[:faces], random)
    everything = stored(embeddings, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteStore(folder / "facerec.db", large=10**12) as store:
            costs = [
                *_store_costs(store, everything, random.permutation(faces)[:SCATTERED].tolist()),
                *_user_costs(store, everything[: faces // 2]),
                *_deletion_costs(store, folder),
            ]
    return [(faces, name, value) for name, value in costs]


def _store_costs(
    store: SqliteStore, faces: list[StoredFace], scattered: list[int]
) -> list[tuple[str, float]]:
    tail = faces[-FACES_PER_STEP * 100 :]
    _put(store, faces[: -len(tail)], BATCH)
    before = _bytes_written()
    _put(store, tail, FACES_PER_STEP)
    written = (_bytes_written() - before) / len(tail)
    probe = faces[0].embedding[None]

    def search() -> object:
        return store.search("all", probe, limit=10, max_distance=0.6)

    search()
    ids = [faces[number].record.face_id for number in scattered]
    return [
        (f"kB written per face, {FACES_PER_STEP} faces at a time", written / 1000),
        ("search", _cost(search)),
        ("count the faces", _cost(lambda: store.count_faces("all"))),
        ("put the same 32 faces again", _cost(lambda: _put(store, tail[:32], 32))),
        ("delete a face", _cost(lambda: store.delete_faces("all", ids[:1]))),
        (f"delete {SCATTERED} faces", _cost(lambda: store.delete_faces("all", ids[1:]))),
        ("the first search after that", _cost(search)),
    ]


def _user_costs(store: SqliteStore, faces: list[StoredFace]) -> list[tuple[str, float]]:
    from facerec.core.records import Collection, User

    store.create_collection(Collection("all", "model", 1.0))
    names = [f"user-{number:07}" for number in range(len(faces) // 5)]
    with store._database.writing() as connection:  # one transaction for all users
        connection.executemany(
            "INSERT INTO user (collection_id, user_id, created_at, version, vector_version)"
            " VALUES ('all', ?, 1.0, 1, 1)",
            ((name,) for name in names),
        )
        connection.executemany(
            "INSERT INTO association VALUES ('all', ?, ?, 1, ?)",
            (
                (faces[5 * number + place].record.face_id, name, place)
                for number, name in enumerate(names)
                for place in range(5)
            ),
        )
    new = f"{group_of(faces[0].record.face_id)}{'f' * 12}"

    def associate() -> User:
        user = store.get_user("all", names[7])
        return store.change_user("all", user.user_id, version=user.version, add=[new])

    return [
        ("return a user", _cost(lambda: store.get_user("all", names[3]))),
        ("list 500 users", _cost(lambda: store.list_users("all", limit=500))),
        ("associate a face", _cost(associate)),
    ]


def _deletion_costs(store: SqliteStore, folder: Path) -> list[tuple[str, float]]:
    from facerec.storage.sqlite import SqliteStore
    from facerec.testing.faces import by_image, stored_face

    waits: list[float] = []
    ended = threading.Event()

    def write() -> None:
        with SqliteStore(folder / "facerec.db") as other:
            for number in count():
                started = time.perf_counter()
                other.put_images("others", by_image([stored_face(f"person {number}")]))
                waits.append(time.perf_counter() - started)
                if ended.wait(0.01):
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        cost = _cost(lambda: store.delete_namespace("all"))
    finally:
        ended.set()
        writer.join()
    return [
        ("delete the collection, and a writer beside it", cost),
        ("longest wait of that writer", 1000 * max(waits)),
    ]


def _put(store: SqliteStore, faces: list[StoredFace], size: int) -> None:
    for start in range(0, len(faces), size):
        batch = faces[start : start + size]
        store.put_images("all", {group_of(face.record.face_id): [face] for face in batch})


def _cost(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return 1000 * (time.process_time() - started)


def _bytes_written() -> int:
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["write_bytes"])


if __name__ == "__main__":
    main()
