from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_embedding
from facerec.testing.faces import by_image, stored_face


def test_an_open_store_sees_writes_of_another_immediately(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    faces = [stored_face(f"person {number}") for number in range(200)]
    with SqliteStore(path) as reader, SqliteStore(path) as writer:
        for start in range(0, 200, 50):
            writer.put_images("staff", by_image(faces[start : start + 50]))
            assert found_by(reader, faces) == {f.record.face_id for f in faces[: start + 50]}
        writer.delete_faces("staff", [face.record.face_id for face in faces[:120]])
        assert found_by(reader, faces) == {f.record.face_id for f in faces[120:]}
        writer.delete_namespace("staff")
        assert found_by(reader, faces) == set()
        writer.put_images("staff", by_image(faces[:10]))
        assert found_by(reader, faces) == {f.record.face_id for f in faces[:10]}


def test_blocks_of_a_deleted_collection_are_reused(tmp_path: Path) -> None:
    path = tmp_path / "facerec.db"
    with SqliteStore(path) as store:
        sizes = []
        for number in range(4):
            faces = [stored_face(f"person {number} {face}") for face in range(300)]
            store.put_images(f"collection-{number}", by_image(faces))
            store.delete_namespace(f"collection-{number}")
            sizes.append(path.stat().st_size)
    assert sizes[2:] == sizes[1:2] * 2


def test_threads_search_while_faces_change(tmp_path: Path) -> None:
    staying = [stored_face(f"staying {number}", away=0.1) for number in range(40)]
    passing = [stored_face(f"passing {number}") for number in range(100)]
    probes = np.stack([fake_embedding(f"staying {number}") for number in range(40)])
    expected = [[face.record.face_id] for face in staying]

    with SqliteStore(tmp_path / "facerec.db") as store:
        store.put_images("staff", by_image(staying))

        def come_and_go() -> None:
            for _ in range(8):
                store.put_images("staff", by_image(passing))
                store.delete_faces("staff", [face.record.face_id for face in passing])

        def search() -> list[list[str]]:
            found = store.search("staff", probes, limit=1, max_distance=0.3)
            return [[n.record.face_id for n in neighbours] for neighbours in found]

        with ThreadPoolExecutor(5) as threads:
            writing = threads.submit(come_and_go)
            searches = 0
            while not writing.done():
                for found in threads.map(lambda _: search(), range(4)):
                    assert found == expected
                    searches += 1
            writing.result()
        assert searches > 4
        assert store.count_faces("staff") == 40


def found_by(store: SqliteStore, faces: list[StoredFace]) -> set[str]:
    probes = np.stack([face.embedding for face in faces])
    found = store.search("staff", probes, limit=5, max_distance=0.1)
    return {neighbour.record.face_id for neighbours in found for neighbour in neighbours}
