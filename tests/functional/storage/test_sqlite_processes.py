import multiprocessing
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from facerec.core.records import Collection
from facerec.errors import CollectionExistsError, StoreUnavailableError
from facerec.storage.sqlite import SqliteStore
from facerec.testing.faces import by_image, stored_face
from tests.support.sqlite_writers import FACES_OF_BATCH, batch_of, write_batches

REPOSITORY = Path(__file__).parents[3]
SPAWN = multiprocessing.get_context("spawn")
BATCHES = 6


def test_four_concurrent_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    writers = [
        SPAWN.Process(target=write_batches, args=(path, writer, BATCHES)) for writer in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    with SqliteStore(path) as store:
        stored = store.list_faces("staff", limit=10_000)
        every_face = [
            face
            for writer in range(4)
            for batch in range(BATCHES)
            for face in batch_of(writer, batch)
        ]
        probes = np.stack([face.embedding for face in every_face])
        found = store.search("staff", probes, limit=1, max_distance=0.01)
    # faces of images that each batch replaces stand as the last batch left them
    expected = {face.record.face_id: face for face in every_face}
    assert {record.face_id for record in stored} == set(expected)
    assert {record.source for record in stored if "again" in record.source} == set()
    for face, neighbours in zip(every_face, found, strict=True):
        if expected[face.record.face_id] is face:
            assert [n.record for n in neighbours] == [face.record]
        else:
            assert neighbours == []


def test_of_processes_that_create_one_collection_one_succeeds(tmp_path: Path) -> None:
    with SPAWN.Pool(3) as pool:
        created = pool.map(_create, [(tmp_path / "facerec.db", number) for number in range(6)])
    assert Counter(created) == {True: 1, False: 5}


def _create(arguments: tuple[Path, int]) -> bool:
    path, number = arguments
    with SqliteStore(path) as store:
        try:
            store.create_collection(Collection("staff", "fake-1", float(number)))
        except CollectionExistsError:
            return False
        return True


def test_a_writer_killed_at_any_point_leaves_whole_batches_only(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    chance = random.Random(5)
    acknowledged = -1
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.support.sqlite_writers", path, str(acknowledged + 1)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.05))
        writer.kill()
        written = writer.stdout.read().split()
        writer.wait()
        acknowledged = max(acknowledged + 1, *(int(batch) for batch in written), 0)
        assert_whole(path, acknowledged)


def assert_whole(path: Path, acknowledged: int) -> None:
    with SqliteStore(path) as store:
        stored = store.list_faces("staff", limit=100_000)
        embeddings = {
            face.record.face_id: face.embedding
            for face in store.get_faces("staff", [record.face_id for record in stored])
        }
    by_batch = Counter(record.source for record in stored)
    last = max(int(source.removeprefix("batch ")) for source in by_batch)
    assert acknowledged <= last <= acknowledged + 1
    # half of each batch's images are replaced by the next batch
    assert by_batch == {
        f"batch {batch}": FACES_OF_BATCH // (1 if batch == last else 2) for batch in range(last + 1)
    }
    for face in batch_of(0, last):
        assert embeddings[face.record.face_id].tobytes() == face.embedding.tobytes()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_store_that_cannot_grow_is_an_error_and_keeps_its_content(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="limits on file sizes are a matter of Unix")
    path = tmp_path / "facerec.db"
    kept = stored_face("ann")
    with SqliteStore(path) as store:
        store.put_images("staff", by_image([kept]))
    writer = SPAWN.Pool(1)
    with writer:
        message = writer.apply(_fill, (path,))
    assert str(path) in message
    with SqliteStore(path) as store:
        assert store.list_faces("staff") == [kept.record]
        store.put_images("staff", by_image([stored_face("bob")]))
        assert store.count_faces("staff") == 2


def _fill(path: Path) -> str:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = path.stat().st_size + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with SqliteStore(path) as store:
        try:
            store.put_images("staff", by_image(stored_face(f"{n}") for n in range(2000)))
        except StoreUnavailableError as error:
            return error.message
    return "nothing was raised"
