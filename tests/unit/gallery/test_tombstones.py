"""A face that was deleted is not added again by a job, and its tombstone says nothing of it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.gallery.erasing.tombstones import deleted_boxes, keep_tombstones, without_deleted
from facerec.gallery.gallery import Gallery
from facerec.jobs.verifying.job_check import verify_collection
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from facerec.testing.faces import stored_face
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob, write_manifest, write_photos

PHOTO = fake_photo(fake_face("ann"))


class CountedRecords:
    """Counts the calls of a store of records."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        self.calls.append(name)
        return getattr(self._store, name)


def index(gallery: Gallery) -> str:
    (face,) = gallery.index("staff", PHOTO, external_image_id="ann.smith").faces
    return face.record.face_id


def job_over(tmp_path: Path, collaborators: Collaborators, **settings: object) -> LocalJob:
    photos = write_photos(tmp_path / "photos", 3, faces=2)
    manifest = write_manifest(tmp_path / "manifest.jsonl", photos)
    store = collaborators.faces
    return LocalJob(tmp_path, manifest, faces=store, records=collaborators.records, **settings)


def test_a_tombstone_contains_no_name_and_no_id(gallery: Gallery, tmp_path: Path) -> None:
    face_id = index(gallery)
    gallery.delete_faces("staff", [face_id])
    with sqlite3.connect(tmp_path / "facerec.db") as reader:
        rows = reader.execute("SELECT photo, place FROM tombstone").fetchall()
    # The other one is the mark that the store has seen the erasure.
    (row,) = (row for row in rows if row[1] != "restored")
    photo, place = row
    assert len(bytes.fromhex(photo)) == 32
    assert place == "0.1 0.1 0.2 0.2"
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"ann.smith" not in content
        assert group_of(face_id).encode() not in content


def test_tombstones_of_one_photo_differ_between_collections(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    gallery.create_collection("guests")
    face = stored_face("ann").record
    hashes = []
    for name in ("staff", "guests"):
        keep_tombstones(name, [face], records=collaborators.records)
        key = collaborators.records.get_tombstone_key(name)
        hashes.append(key)
        assert deleted_boxes(name, [group_of(face.face_id)], records=collaborators.records)
    assert hashes[0] != hashes[1]


def test_a_deleted_face_is_recognised_in_a_slightly_different_box() -> None:
    face = stored_face("ann")
    box = face.record.box
    moved = replace(box, left=box.left + box.width / 10, width=1.1 * box.width)
    beside = replace(box, left=box.left + box.width)
    here, there = (
        StoredFace(replace(face.record, box=each), face.embedding) for each in (moved, beside)
    )
    assert without_deleted([here, there], [box]) == (there,)


def test_a_photo_that_somebody_indexes_gets_its_deleted_face_again(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = index(gallery)
    gallery.delete_faces("staff", [face_id])
    key = group_of(face_id)
    assert deleted_boxes("staff", [key], records=collaborators.records)
    assert index(gallery) == face_id
    assert deleted_boxes("staff", [key], records=collaborators.records) == {}


def test_a_face_of_a_user_that_is_not_deleted_has_no_tombstone(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = index(gallery)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    gallery.delete_faces("staff", [face_id])
    assert collaborators.records.get_tombstone_key("staff") is None


def test_a_deleted_collection_leaves_no_tombstone(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    job = job_over(tmp_path, collaborators)
    job.run()
    gallery.delete_faces("staff", job.face_ids())
    gallery.delete_collection("staff")
    gallery.create_collection("staff")
    assert collaborators.records.get_tombstone_key("staff") is None
    job_over(tmp_path, collaborators).run()
    assert len(job.face_ids()) == 6


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_face_that_is_deleted_while_a_job_stores_it_stays_deleted(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path, moment: str
) -> None:
    job_over(tmp_path, collaborators, options={"max_faces": 1}).run()
    victim = job_over(tmp_path, collaborators, force=True)
    faces = victim.face_ids()
    put = collaborators.faces.put_images
    deleted: list[str] = []

    def put_images(*given: Any) -> list[str]:  # noqa: ANN401
        once = not deleted
        if once and moment == "before":
            deleted.extend(gallery.delete_faces("staff", faces[:1]).deleted)
        lost = put(*given)
        if once and moment == "after":
            deleted.extend(gallery.delete_faces("staff", faces[:1]).deleted)
        return lost

    collaborators.faces.put_images = put_images  # type: ignore[method-assign]
    collaborators.faces.of = lambda _: collaborators.faces  # type: ignore[method-assign]
    victim.run()
    assert deleted == faces[:1]
    assert faces[0] not in victim.face_ids()
    # Deleted in a job's data too: Gallery's own erasure of it is recorded only, in this test.
    if moment == "before":
        assert sum(row.deleted for row in victim.rows()) == 1
        assert faces[0] not in {face.face_id for row in victim.rows() for face in row.stored}


def test_a_repair_restores_no_deleted_face_even_from_a_restored_job_folder(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    # The job data of these tests forgets nothing, as if the folder came back from a backup.
    job = job_over(tmp_path, collaborators)
    job.run()
    first, *others = job.face_ids()
    gallery.delete_faces("staff", [first])
    found = verify_collection(
        "staff",
        LocalObjects(),
        f"{tmp_path}/jobs/",
        collaborators.faces,
        collaborators.records,
        repair=True,
    )
    assert (found.deleted, found.missing) == (1, 0)
    assert job.face_ids() == others


def test_a_face_that_is_deleted_while_a_repair_restores_it_stays_deleted(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    job = job_over(tmp_path, collaborators)
    job.run()
    first, *others = job.face_ids()
    collaborators.faces.delete_faces("staff", [first, *others])
    put = collaborators.faces.put_images
    deleted: list[str] = []

    def put_images(*given: Any) -> list[str]:  # noqa: ANN401
        lost = put(*given)
        deleted.extend(gallery.delete_faces("staff", [first]).deleted)
        put(*given)  # as if the deletion had come between the tombstones that it read and the faces
        return lost

    collaborators.faces.put_images = put_images  # type: ignore[method-assign]
    collaborators.faces.of = lambda _: collaborators.faces  # type: ignore[method-assign]
    verify_collection(
        "staff",
        LocalObjects(),
        f"{tmp_path}/jobs/",
        collaborators.faces,
        collaborators.records,
        repair=True,
    )
    assert deleted == [first]
    assert job.face_ids() == others


def test_a_collection_without_tombstones_costs_two_requests_a_step_and_one_a_child(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    job = job_over(tmp_path, collaborators)
    counted = CountedRecords(SqliteStore(tmp_path / "facerec.db"))
    job.parts = replace(job.parts, records=counted)  # type: ignore[arg-type]
    job.run()
    assert counted.calls == ["get_collection", *["get_tombstone_key"] * 2]
