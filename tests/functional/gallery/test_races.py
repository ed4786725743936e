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
from facerec.errors import CollectionNotFoundError, FacerecError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

PHOTOS = [fake_photo(fake_face(f"p{n}")) for n in range(12)]
ANN = fake_photo(fake_face("ann"))


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
        assert errors <= {CollectionNotFoundError}
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
