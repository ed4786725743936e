"""Faces that are deleted, in any number and order, are in no file afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.gallery.gallery import Gallery
from facerec.jobs.job_data import JobFolders
from facerec.jobs.outcomes import Outcome
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob, write_manifest, write_photos


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[tuple[LocalJob, Gallery]]:
    photos = write_photos(tmp_path / "photos", 60, faces=3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=20)
    job.run()
    with SqliteStore(job.store) as store:
        folders = JobFolders(LocalObjects(), f"{tmp_path}/jobs/")
        yield job, Collaborators(store, store, FakeEngine(), job_data=folders).gallery()


def test_a_hundred_random_erasures_leave_no_byte_of_an_embedding(
    indexed: tuple[LocalJob, Gallery], tmp_path: Path
) -> None:
    job, gallery = indexed
    chance = random.Random(7)
    stored = {
        face.record.face_id: face.embedding.astype("<f4").tobytes()
        for face in job.faces.get_faces("staff", job.face_ids())
    }
    left = set(stored)
    assert len(left) == 180
    for _ in range(100):
        gone = chance.sample(sorted(left), min(len(left), chance.choice((1, 1, 1, 2, 4))))
        deletion = gallery.delete_faces("staff", gone)
        assert set(deletion.deleted) == set(gone)
        left -= set(gone)
        content = b"".join(
            path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file() and tmp_path / "photos" not in path.parents
        )
        found = {face for face, vector in stored.items() if vector[:128] in content}
        assert found == left
    assert set(job.face_ids()) == left


def test_random_erasures_of_names_leave_neither_name_nor_embedding(
    indexed: tuple[LocalJob, Gallery], tmp_path: Path
) -> None:
    job, gallery = indexed
    chance = random.Random(11)
    stored = job.faces.get_faces("staff", job.face_ids())
    traces: dict[str, list[bytes]] = {}
    for face in stored:
        name = face.record.external_image_id or ""
        vector = face.embedding.astype("<f4").tobytes()[:128]
        traces.setdefault(name, [f'"{name}"'.encode()]).append(vector)
    left = sorted(traces)
    assert (len(stored), len(left)) == (180, 60)
    while left:
        name = left.pop(chance.randrange(len(left)))
        receipt = gallery.erase("staff", SubjectKind.EXTERNAL_ID, name)
        assert (receipt.faces, [kept.embeddings for kept in receipt.jobs]) == (3, [3])
        content = b"".join(
            path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file()
            and tmp_path / "photos" not in path.parents
            and path.name != "list.jsonl"
        )
        found = {each for each, parts in traces.items() if any(part in content for part in parts)}
        assert found == set(left)
    assert job.face_ids() == []
    assert {row.outcome for row in job.rows()} == {Outcome.ERASED}
