from pathlib import Path

import numpy as np

from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore
from facerec.testing.faces import by_image, stored_face


def random_faces(name: str, count: int, random: np.random.Generator) -> list[StoredFace]:
    return [
        stored_face(f"{name} {number}", embedding=random.standard_normal(128).astype(np.float32))
        for number in range(count)
    ]


def faces_whose_bytes_stand_in(folder: Path, faces: list[StoredFace]) -> int:
    content = b"\n".join(path.read_bytes() for path in sorted(folder.iterdir()))
    return sum(
        any(face.embedding[start : start + 16].tobytes() in content for start in range(0, 128, 16))
        for face in faces
    )


def test_bytes_of_deleted_embeddings_are_in_no_file_of_the_store(tmp_path: Path) -> None:
    faces = random_faces("person", 150, np.random.default_rng(3))
    store = SqliteStore(tmp_path / "facerec.db")
    store.put_images("staff", by_image(faces))
    assert faces_whose_bytes_stand_in(tmp_path, faces) == 150
    deleted, kept = faces[:70], faces[70:]
    store.delete_faces("staff", [face.record.face_id for face in deleted])
    # read while the store is open: closing it would remove the log in any case
    assert faces_whose_bytes_stand_in(tmp_path, deleted) == 0
    assert faces_whose_bytes_stand_in(tmp_path, kept) == 80


def test_the_record_of_a_deleted_face_is_in_no_file_of_the_store(tmp_path: Path) -> None:
    faces = [
        stored_face(f"person {number}", external_image_id=f"name-{number}") for number in range(3)
    ]
    store = SqliteStore(tmp_path / "facerec.db")
    store.put_images("staff", by_image(faces))

    def named() -> list[bool]:
        content = b"\n".join(path.read_bytes() for path in tmp_path.iterdir())
        return [f"name-{number}".encode() in content for number in range(3)]

    assert named() == [True] * 3
    store.delete_faces("staff", [faces[1].record.face_id])
    assert named() == [True, False, True]


def test_bytes_of_deleted_collections_are_in_no_file_of_the_store(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    gone: list[StoredFace] = []
    staying: list[StoredFace] = []
    store = SqliteStore(tmp_path / "facerec.db")
    for number in range(12):
        faces = random_faces(f"{number}", int(random.integers(1, 120)), random)
        store.put_images(f"collection-{number}", by_image(faces))
        (gone if number % 3 else staying).extend(faces)
    for number in range(12):
        if number % 3:
            store.delete_namespace(f"collection-{number}")
    assert faces_whose_bytes_stand_in(tmp_path, gone) == 0
    assert faces_whose_bytes_stand_in(tmp_path, staying) == len(staying)
