"""Operations side by side in threads: what is deleted stays deleted."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.errors import CollectionNotFoundError, ConflictError, FacerecError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob, write_manifest

PHOTOS = [fake_photo(fake_face(f"p{n}")) for n in range(12)]
ANN = fake_photo(fake_face("ann"))
BOB = fake_photo(fake_face("bob"))


class HesitantEngine(FakeEngine):
    """Takes up to 30 ms for a photo."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        time.sleep(random.uniform(0, 0.03))
        return super().analyse(photos, options)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    collaborators = Collaborators.in_folder(tmp_path, engine=HesitantEngine(), clock=time.time)
    yield collaborators.gallery()
    collaborators.records.close()


def attempt(operation: Callable[[], object]) -> object:
    try:
        return operation()
    except FacerecError as error:
        return error


def test_a_deleted_collection_gets_no_faces_from_photos_under_way(
    gallery: Gallery, tmp_path: Path
) -> None:
    for number in range(12):
        gallery.create_collection("staff")
        with ThreadPoolExecutor(6) as threads:
            indexing = [
                threads.submit(attempt, lambda photo=photo: gallery.index("staff", photo))
                for photo in PHOTOS
            ]
            time.sleep(0.005 * number)
            gallery.delete_collection("staff")
            gallery.create_collection("staff")
            outcomes = [each.result() for each in indexing]
        # Some photos may be indexed into the next collection, after it was created.
        listed = {face.record.face_id for face in gallery.list_faces("staff").faces}
        acknowledged = {
            face.record.face_id
            for outcome in outcomes
            if not isinstance(outcome, Exception)
            for face in outcome.faces
        }
        assert listed <= acknowledged
        errors = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
        assert errors <= {CollectionNotFoundError, ConflictError}
        gallery.delete_collection("staff")
    with sqlite3.connect(tmp_path / "facerec.db") as reader:
        tables = {name for (name,) in reader.execute("SELECT name FROM sqlite_master")}
        table = "vector" if "vector" in tables else "face"
        assert reader.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_deleted_face_is_never_found_as_its_user(gallery: Gallery) -> None:
    gallery.create_collection("staff")
    gallery.create_user("staff", "ann")
    for _ in range(40):
        face_id = gallery.index("staff", ANN).faces[0].record.face_id
        with ThreadPoolExecutor(2) as threads:
            association = threads.submit(
                attempt, lambda face_id=face_id: gallery.associate_faces("staff", "ann", [face_id])
            )
            deletion = threads.submit(
                attempt, lambda face_id=face_id: gallery.delete_faces("staff", [face_id])
            )
            association.result()
            deleted = deletion.result()
        stored = {face.record.face_id for face in gallery.list_faces("staff").faces}
        (user,) = gallery.list_users("staff").users
        found = gallery.search_users_by_photo("staff", ANN).matches
        if not isinstance(deleted, Exception) and deleted.deleted:
            assert (stored, user.face_ids, found) == (set(), (), ())
        gallery.delete_faces("staff", [face_id], disassociate=True)


def test_no_user_has_a_face_that_a_job_removes_at_the_same_time(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.create_collection("staff")
    gallery.create_user("staff", "bob")
    store = gallery._faces
    for number in range(15):
        faces = (fake_face("ann", width=0.4), fake_face("bob", left=0.6, width=0.1))
        photo = tmp_path / f"{number}.jpg"
        photo.write_bytes(fake_photo(*faces, note=str(number)))
        _, bob = gallery.index("staff", photo, external_image_id="photo:0").faces
        manifest = write_manifest(tmp_path / f"{number}.jsonl", [photo])
        job = LocalJob(
            tmp_path / f"job-{number}",
            manifest,
            faces=store,
            records=gallery._records,
            options={"max_faces": 1},
        )

        def associate(face_id: str = bob.record.face_id, delay: float = 0.001 * number) -> object:
            time.sleep(delay)
            return gallery.associate_faces("staff", "bob", [face_id])

        with ThreadPoolExecutor(1) as threads:
            association = threads.submit(attempt, associate)
            job.run()
            association.result()
        stored = {face.record.face_id for face in gallery.list_faces("staff").faces}
        (user,) = gallery.list_users("staff").users
        assert set(user.face_ids) <= stored
        (row,) = job.rows()
        assert row.removed + len(row.kept) == 1
        assert {face.face_id for face in row.stored} <= stored
        assert bool(gallery.search_users_by_photo("staff", BOB).matches) == bool(user.face_ids)
        if user.face_ids:
            gallery.disassociate_faces("staff", "bob", user.face_ids)
