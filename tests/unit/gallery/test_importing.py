"""Faces that are imported under the ids of another service, and their photos indexed again."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.faces import BoundingBox
from facerec.gallery.gallery import Gallery
from facerec.gallery.transfer.importing import KnownFace
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob

PHOTO = fake_photo(fake_face("ann", left=0.1), fake_face("bob", left=0.6))
OLD = KnownFace(
    face_id="11111111-2222-4333-8444-555555555555",
    image_id="99999999-2222-4333-8444-555555555555",
    external_image_id="pair",
    box=BoundingBox(0.1, 0.1, 0.2, 0.2),
)


def ids_of(gallery: Gallery) -> list[str]:
    return [face.record.face_id for face in gallery.list_faces("staff").faces]


def index(gallery: Gallery) -> list[str]:
    indexed = gallery.index("staff", PHOTO, external_image_id="pair")
    return [face.record.face_id for face in indexed.faces]


def run_job(tmp_path: Path, collaborators: Collaborators, **settings: object) -> LocalJob:
    photo = tmp_path / "pair.jpg"
    photo.write_bytes(PHOTO)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"image": str(photo), "external_image_id": "pair"}))
    store, records = collaborators.faces, collaborators.records
    job = LocalJob(tmp_path, manifest, faces=store, records=records, **settings)
    job.run()
    return job


def test_an_imported_face_keeps_its_id_when_its_photo_is_indexed(gallery: Gallery) -> None:
    assert gallery.import_faces("staff", PHOTO, [OLD]).imported == {OLD.face_id}
    first = index(gallery)
    assert OLD.face_id in first
    assert len(first) == 2
    assert index(gallery) == first
    assert sorted(first) == ids_of(gallery)


@pytest.mark.parametrize("settings", [{}, {"force": True}, {"restore_deleted": True}])
def test_a_job_does_not_store_an_imported_face_twice(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path, settings: dict[str, bool]
) -> None:
    gallery.import_faces("staff", PHOTO, [OLD])
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [OLD.face_id])
    for options in ({}, {"max_faces": 5}):
        job = run_job(tmp_path, collaborators, options=options, **settings)
        assert len(ids_of(gallery)) == 2
        assert OLD.face_id in ids_of(gallery)
        assert job.rows()[-1].deleted == 1
    assert gallery.list_faces("staff", user_id="ann").faces[0].record.face_id == OLD.face_id


def test_an_imported_face_that_was_deleted_is_stored_again_only_on_purpose(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    gallery.import_faces("staff", PHOTO, [OLD])
    gallery.delete_faces("staff", [OLD.face_id])
    run_job(tmp_path, collaborators)
    assert len(ids_of(gallery)) == 1
    run_job(tmp_path, collaborators, restore_deleted=True, force=True)
    assert len(ids_of(gallery)) == 2
    assert OLD.face_id not in ids_of(gallery)
    assert len(index(gallery)) == 2


def test_importing_a_face_again_changes_nothing(gallery: Gallery) -> None:
    for _ in range(2):
        assert gallery.import_faces("staff", PHOTO, [OLD]).imported == {OLD.face_id}
    assert ids_of(gallery) == [OLD.face_id]


def test_an_id_of_another_photo_is_refused(gallery: Gallery) -> None:
    gallery.import_faces("staff", PHOTO, [OLD])
    other = replace(OLD, image_id="88888888-2222-4333-8444-555555555555")
    outcome = gallery.import_faces("staff", PHOTO, [other])
    assert (outcome.imported, outcome.in_use) == (set(), {OLD.face_id})
    assert gallery.list_faces("staff").faces[0].record.image_id == OLD.image_id


def test_a_face_that_is_indexed_already_keeps_the_id_that_it_has(gallery: Gallery) -> None:
    before = index(gallery)
    outcome = gallery.import_faces("staff", PHOTO, [OLD])
    assert (outcome.imported, outcome.indexed) == (set(), {OLD.face_id})
    assert ids_of(gallery) == sorted(before)


def test_what_is_kept_of_an_imported_face_does_not_say_its_id(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.import_faces("staff", PHOTO, [OLD])
    gallery.delete_faces("staff", [OLD.face_id])
    with sqlite3.connect(tmp_path / "facerec.db") as reader:
        rows = reader.execute("SELECT photo, place FROM tombstone").fetchall()
    assert rows
    assert not any(OLD.face_id.replace("-", "") in f"{photo}{place}" for photo, place in rows)
