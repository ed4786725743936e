"""A deletion finds the children of a job that name a face, without reading the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.erasures import Selection
from facerec.core.ids import PREFIX_BYTES
from facerec.jobs.erasing.collection_erasure import erase_faces
from facerec.jobs.ledger import job_face_index
from facerec.jobs.ledger.face_index import SegmentFaces, write_face_index
from facerec.jobs.ledger.job_face_index import children_of_faces, write_job_face_index
from facerec.jobs.ledger.layout import face_index_uri, job_face_index_uri, summary_uri
from facerec.jobs.outcomes import Outcome
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.memory_objects import MemoryObjects

IDS = st.lists(st.binary(min_size=PREFIX_BYTES, max_size=PREFIX_BYTES), max_size=40)
FOLDER = "s3://bucket/job/"


@given(children=st.lists(IDS, min_size=2, max_size=5), other=IDS, entries=st.sampled_from((4, 999)))
def test_every_child_that_names_a_face_is_found(
    children: list[list[bytes]], other: list[bytes], entries: int
) -> None:
    objects = MemoryObjects()
    for child, ids in enumerate(children):
        write_face_index(objects, FOLDER, child, [SegmentFaces(0, None, b"".join(ids))])
        objects.write(summary_uri(FOLDER, child), b"{}")
    with patch.object(job_face_index, "MAX_ENTRIES", entries):
        assert write_job_face_index(objects, FOLDER, len(children))
    for looked_up in (*children, other, *([face] for ids in children for face in ids)):
        expected = {child for child, ids in enumerate(children) if {*looked_up} & {*ids}}
        assert children_of_faces(objects, FOLDER, looked_up) == expected


def test_a_job_that_is_not_complete_gets_no_index() -> None:
    objects = MemoryObjects()
    objects.write(summary_uri(FOLDER, 0), b"{}")
    assert not write_job_face_index(objects, FOLDER, 2)
    assert children_of_faces(objects, FOLDER, [bytes(PREFIX_BYTES)]) is None


def test_a_job_of_one_child_needs_no_index_but_that_of_the_child(tmp_path: Path) -> None:
    job = indexed(tmp_path, photos=20)
    first, *_, last = job.face_ids()
    assert not write_job_face_index(job.objects, job.plan.job_folder, job.plan.children)
    assert erase(LocalObjects(), tmp_path, first) == (1, 1)
    assert erase(LocalObjects(), tmp_path, last) == (1, 1)
    assert not Path(job_face_index_uri(job.plan.job_folder)).exists()


class RecordingObjects(LocalObjects):
    """Records what is read and written, and is killed before a given write."""

    def __init__(self, writes: int = 1000) -> None:
        super().__init__()
        self.read_uris: list[str] = []
        self.left = writes

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401 - those of the protocol
        self.read_uris.append(uri)
        return super().read(uri, **options)

    def fetch(self, uri: str, **options: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
        self.read_uris.append(uri)
        return super().fetch(uri, **options)

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        self._step()
        return super().write(uri, content, if_absent=if_absent)

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        self._step()
        return super().replace(uri, content, version=version)


def erase(objects: LocalObjects, folder: Path, face_id: str) -> tuple[int, int]:
    """Erase a face; return how many embeddings and rows there were."""
    erased = erase_faces(objects, f"{folder}/jobs/", "staff", Selection(frozenset([face_id])))
    return sum(job.embeddings for job in erased), sum(job.rows for job in erased)


def indexed(folder: Path, photos: int = 60) -> LocalJob:
    """Run a job with children of twenty photos."""
    manifest = write_manifest(folder / "list.jsonl", write_photos(folder / "photos", photos))
    job = LocalJob(folder, manifest, images_per_child=20)
    job.run()
    return job


@pytest.mark.parametrize("earlier_release", [False, True])
def test_all_segments_are_read_once_at_most(tmp_path: Path, earlier_release: bool) -> None:
    job = indexed(tmp_path)
    if earlier_release:
        for child in range(job.plan.children):
            Path(face_index_uri(job.plan.job_folder, child)).write_bytes(b'{"files": []}\n')
    first, second, third = job.face_ids()[::20]
    assert erase(LocalObjects(), tmp_path, first) == (1, 1)
    objects = RecordingObjects()
    assert erase(objects, tmp_path, second) == (1, 1)
    folders = {Path(uri).parent for uri in objects.read_uris if uri.endswith((".npz", ".jsonl"))}
    assert len({folder.name for folder in folders}) == 1
    # An index that is damaged counts as none.
    for file in Path(job.plan.job_folder, "index").glob("sorted-*"):
        file.write_bytes(file.read_bytes()[:-1])
    assert erase(LocalObjects(), tmp_path, third) == (1, 1)
    assert erase(LocalObjects(), tmp_path, third) == (0, 0)


def test_rows_about_photos_that_were_indexed_before_are_found(tmp_path: Path) -> None:
    job = indexed(tmp_path)
    # Without memory, the next job looks at all photos again.
    LocalObjects().delete_folder(f"{tmp_path}/jobs/remembered@staff/")
    again = LocalJob(tmp_path, tmp_path / "list.jsonl", faces=job.faces, images_per_child=30)
    again.run()
    assert {row.outcome for row in again.rows()} == {Outcome.ALREADY_INDEXED}
    for face_id in job.face_ids()[:2]:
        assert erase(LocalObjects(), tmp_path, face_id) == (1, 2)


@pytest.mark.parametrize("has_index", [False, True])
def test_an_erasure_that_is_killed_at_any_write_is_completed_by_the_next(
    tmp_path: Path, has_index: bool
) -> None:
    job = indexed(tmp_path)
    ids = job.face_ids()
    if has_index:
        write_job_face_index(job.objects, job.plan.job_folder, job.plan.children)
    for writes, face_id in enumerate(ids):
        if not has_index:
            Path(job_face_index_uri(job.plan.job_folder)).unlink(missing_ok=True)
        try:
            erase(RecordingObjects(writes), tmp_path, face_id)
        except KeyboardInterrupt:
            erase(LocalObjects(), tmp_path, face_id)
            files = [path for path in Path(job.plan.job_folder).rglob("*") if path.is_file()]
            assert not any(face_id.encode() in path.read_bytes() for path in files)
        else:
            break
    assert writes >= 2
