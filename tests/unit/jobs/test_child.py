"""A child works through its slice: one ledger row a line, whatever the line is."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facerec.core.erasures import Selection
from facerec.errors import (
    InvalidInputError,
    ModelMismatchError,
    ObjectChangedError,
    PhotosErasedError,
    ReadFailedError,
    StoreUnavailableError,
)
from facerec.gallery.erasing.tombstones import keep_tombstones
from facerec.jobs.child.attempt import run_child
from facerec.jobs.child.loading import MAX_PHOTO_BYTES
from facerec.jobs.child.segment_writer import SegmentCommitted
from facerec.jobs.erasing.collection_erasure import erase_faces
from facerec.jobs.exit_codes import DO_NOT_RETRY, RETRY, exit_code_of
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.tally import read_summary
from facerec.jobs.outcomes import Outcome
from facerec.storage.faces import FaceStore
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.testing.engine import FakeEngine, fake_embedding, fake_face, fake_photo
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.leased_files import leased


def stop_after(segments: int) -> tuple[Callable[[SegmentCommitted], None], Callable[[], bool]]:
    """Return hooks that stop a child after ``segments`` segments of its ledger."""
    written: list[SegmentCommitted] = []

    def note(segment: SegmentCommitted) -> None:
        if not segment.resumed:
            written.append(segment)

    return note, lambda: len(written) >= segments


def test_a_photo_whose_file_system_does_not_answer_costs_that_photo_only(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.parts = replace(job.parts, objects=LocalObjects(max_seconds=0.3))
    with leased(photos[0], photos[7]):
        job.run()
    outcomes = [row.outcome for row in job.rows()]
    assert outcomes[0] == outcomes[7] == Outcome.READ_TIMED_OUT
    assert outcomes.count(Outcome.INDEXED) == 18
    assert job.rows()[7].detail == "its file system did not answer in 0.3 seconds"


def test_a_photo_in_a_bad_sector_costs_that_photo_only(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    photos[7].unlink()
    # Its first page is not mapped, so that reading it is an input/output error.
    photos[7].symlink_to("/proc/self/mem")
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    rows = job.rows()
    assert (rows[7].outcome, rows[7].detail) == (Outcome.READ_FAILED, "Input/output error")
    assert [row.outcome for row in rows].count(Outcome.INDEXED) == 19


def test_photos_that_fail_one_after_another_are_a_store_that_is_down(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 22)
    for photo in photos:
        photo.unlink()
        photo.symlink_to("/proc/self/mem")
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=99)
    with pytest.raises(ReadFailedError) as raised:
        job.run()
    assert exit_code_of(raised.value) == RETRY
    assert job.rows() == []


def test_every_photo_gets_a_row_and_its_faces_are_stored(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 70, faces=2)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    summaries = job.run()
    rows = job.rows()
    assert [row.photo for row in rows] == [str(photo) for photo in photos]
    assert [row.external_image_id for row in rows] == [f"photo:{n}" for n in range(70)]
    assert {row.outcome for row in rows} == {Outcome.INDEXED}
    assert sorted(face.face_id for row in rows for face in row.faces) == job.face_ids()
    assert len(job.face_ids()) == 140
    assert all(summary.complete for summary in summaries)
    assert sum(summary.tally.photos for summary in summaries) == 70
    assert sum(summary.tally.faces_indexed for summary in summaries) == 140


def test_the_job_folder_keeps_each_embedding_that_was_stored(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    kept = [
        face for file in job.kept_embeddings() for face in read_embeddings(job.objects, str(file))
    ]
    assert sorted(face.record.face_id for face in kept) == job.face_ids()
    stored = job.faces.get_faces("staff", [face.record.face_id for face in kept])
    for face, same in zip(kept, stored, strict=True):
        assert face.record == same.record
        assert np.array_equal(face.embedding, same.embedding)
    first = next(face for face in kept if face.record.external_image_id == "photo:0")
    assert np.array_equal(first.embedding, fake_embedding("p0-0"))


def test_a_problem_with_a_line_or_photo_is_a_row_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(fake_photo(fake_face("ann")))
    (tmp_path / "blurred.jpg").write_bytes(fake_photo(fake_face("bob", sharp=False)))
    (tmp_path / "wall.jpg").write_bytes(fake_photo())
    (tmp_path / "text.jpg").write_bytes(b"no photo")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES + 1)
    (tmp_path / "folder.jpg").mkdir()
    lines = [
        b'{"image": "face.jpg"}',
        b'{"image": "blurred.jpg"}',
        b'{"image": "wall.jpg"}',
        b"",
        b'{"image": "text.jpg"}',
        b'{"image": "empty.jpg"}',
        b'{"image": "large.jpg"}',
        b'{"image": "folder.jpg"}',
        b'{"image": "missing.jpg"}',
        b'{"image": "wrong\\u0000name.jpg"}',
        b'{"image": ',
        b'{"image": 5}',
        b'{"picture": "face.jpg"}',
        b"[]",
        b'{"image": "\xff"}',
        b'{"image": "face.jpg", "external_image_id": "not allowed!"}',
        b'{"image": "https://example.com/face.jpg"}',
        b'{"image": "' + b"a" * 70_000 + b'"}',
        b'{"image": "face.jpg"}',
    ]
    (tmp_path / "list.jsonl").write_bytes(b"\r\n".join(lines))
    job = LocalJob(tmp_path, tmp_path / "list.jsonl", images_per_child=100)
    job.run()
    found = [(row.line_in_slice, row.outcome, row.reason) for row in job.rows()]
    malformed = [(line, Outcome.MALFORMED_LINE, None) for line in range(11, 19)]
    assert found == [
        (1, Outcome.INDEXED, None),
        (2, Outcome.ALL_FACES_REJECTED, None),
        (3, Outcome.NO_FACE, None),
        (5, Outcome.UNREADABLE, "UNSUPPORTED_FORMAT"),
        (6, Outcome.UNREADABLE, "EMPTY"),
        (7, Outcome.UNREADABLE, "TOO_LARGE"),
        (8, Outcome.NOT_FOUND, None),
        (9, Outcome.NOT_FOUND, None),
        (10, Outcome.NOT_FOUND, None),
        *malformed,
        (19, Outcome.ALREADY_INDEXED, None),
    ]
    details = [row.detail for row in job.rows() if row.outcome is Outcome.MALFORMED_LINE]
    assert details[0] == "not JSON: Expecting value at column 10"
    assert details[1] == "image: 5 is not of type 'string'"
    assert "'image' is a required property" in (details[2] or "")
    # of the malformed lines, one names a photo
    named = {row.line_in_slice: row.photo for row in job.rows()[9:17] if row.photo}
    assert named == {16: str(tmp_path / "face.jpg")}
    (rejected,) = job.rows()[1].rejected
    assert rejected.reasons == ("LOW_SHARPNESS",)


def test_a_repeated_photo_is_indexed_once_under_each_name(tmp_path: Path) -> None:
    photo = write_photos(tmp_path / "photos", 1)[0]
    lines = [f"{photo},ann", f"{photo},ann", f"{photo},bob", f"{photo},ann"]
    (tmp_path / "list.csv").write_text("image,external_image_id\n" + "\n".join(lines))
    job = LocalJob(tmp_path, tmp_path / "list.csv", images_per_child=100)
    job.run()
    rows = job.rows()
    already = Outcome.ALREADY_INDEXED
    assert [row.outcome for row in rows] == [Outcome.INDEXED, already, Outcome.INDEXED, already]
    assert rows[0].faces == rows[1].faces == rows[3].faces != rows[2].faces
    assert len(job.face_ids()) == 2


def test_an_indexed_photo_is_not_processed_again(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 50)
    first = LocalJob(tmp_path, write_manifest(tmp_path / "a.jsonl", photos[:40]))
    first.run()
    second = LocalJob(tmp_path, write_manifest(tmp_path / "b.jsonl", photos), faces=first.faces)
    assert second.plan.job_id != first.plan.job_id
    second.run()
    assert second.engine.analysed == 10
    counts = Counter(row.outcome for row in second.rows())
    assert counts == {Outcome.INDEXED: 10}
    again = LocalJob(tmp_path, tmp_path / "b.jsonl", faces=first.faces)
    assert again.plan == second.plan
    again.run()
    assert again.engine.analysed == 0


def test_other_options_process_a_photo_again_and_replace_its_faces(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3, faces=3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    first = LocalJob(tmp_path, manifest)
    first.run()
    assert len(first.face_ids()) == 9
    second = LocalJob(tmp_path, manifest, faces=first.faces, options={"max_faces": 1})
    second.run()
    assert len(second.face_ids()) == 3
    assert sum(len(row.rejected) for row in second.rows()) == 6
    none = LocalJob(tmp_path, manifest, faces=first.faces, options={"min_confidence": 1})
    none.run()
    assert {row.outcome for row in none.rows()} == {Outcome.ALL_FACES_REJECTED}
    assert none.face_ids() == []


def test_a_stopped_child_commits_its_results_and_resumes_after_them(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=100)
    on_commit, stop = stop_after(1)
    (summary,) = job.run(on_commit=on_commit, stop=stop)
    assert not summary.complete
    assert len(job.rows()) == summary.tally.photos == 32
    assert read_summary(job.objects, job.plan.job_folder, 0) is None

    asked = iter(range(1000))
    (summary,) = job.run(stop=lambda: next(asked) > 32)
    assert not summary.complete
    assert [len(part.rows) for part in job.ledger()] == [32, 8]

    before = job.engine.analysed
    (summary,) = job.run()
    assert summary.complete
    assert job.engine.analysed - before == 60
    assert [row.photo for row in job.rows()] == [str(photo) for photo in photos]
    assert {row.outcome for row in job.rows()} == {Outcome.INDEXED}
    assert read_summary(job.objects, job.plan.job_folder, 0) == summary


def test_an_incomplete_child_of_a_stack_restores_its_committed_faces(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=100)
    on_commit, stop = stop_after(1)
    (summary,) = job.run(on_commit=on_commit, stop=stop)
    assert not summary.complete
    committed = job.face_ids()
    assert len(committed) == 32
    job.faces.delete_faces("staff", committed[:5])
    # As on AWS, where no run compares the collection before the children start.
    job.plan = replace(job.plan, local=False)
    (summary,) = job.run(stop=lambda: True)
    assert not summary.complete
    assert job.face_ids() == committed


def test_an_attempt_that_died_between_store_and_ledger_leaves_no_trace(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=99)
    full = job.objects.write

    def killed(uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        if "/ledger/" in uri:
            raise KeyboardInterrupt
        return full(uri, content, if_absent=if_absent)

    job.objects.write = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert len(job.face_ids()) == 20
    assert len(job.kept_embeddings()) == 1
    job.objects.write = full  # type: ignore[method-assign]
    job.run()
    assert {row.outcome for row in job.rows()} == {Outcome.INDEXED}
    assert len(job.face_ids()) == 20
    (kept,) = job.kept_embeddings()
    assert f"embeddings/0000000/{kept.name}" == job.ledger()[0].embeddings


def test_the_embedding_of_a_face_that_is_deleted_during_a_commit_is_deleted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=99)
    store, write = FaceStore.put_images, job.objects.write
    deleted: list[str] = []
    kept: list[set[str]] = []

    def store_and_delete(*given: Any) -> object:  # noqa: ANN401 - passed on
        lost = store(*given)
        if not deleted:
            deleted.extend(job.face_ids()[:1])
            records = [face.record for face in job.faces.get_faces("staff", deleted)]
            keep_tombstones("staff", records, records=job.records)
            job.faces.delete_faces("staff", deleted)
        return lost

    def look(uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        if "/ledger/" in uri and not kept:
            files = [read_embeddings(job.objects, str(file)) for file in job.kept_embeddings()]
            kept.extend({face.record.face_id for face in faces} for faces in files)
        return write(uri, content, if_absent=if_absent)

    monkeypatch.setattr(FaceStore, "put_images", store_and_delete)
    job.objects.write = look  # type: ignore[method-assign]
    job.run()
    assert len(deleted) == 1
    assert kept == [set(job.face_ids())]
    assert len(job.face_ids()) == 19


@pytest.mark.parametrize("first_ahead", [5, 32, 37, 70])
def test_an_attempt_adopts_what_a_concurrent_one_has_committed(
    tmp_path: Path, first_ahead: int
) -> None:
    photos = write_photos(tmp_path / "photos", 70)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    other = LocalJob(tmp_path, manifest, images_per_child=99)

    class Overtaken(FakeEngine):
        """Lets another attempt go ahead while it looks at its first photos."""

        def analyse(self, *photos_and_options):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202
            if not self.analysed:
                asked = iter(range(1000))
                other.run(stop=lambda: next(asked) > first_ahead)
            return super().analyse(*photos_and_options)

    job = LocalJob(tmp_path, manifest, Overtaken(), faces=other.faces, images_per_child=99)
    (summary,) = job.run()
    assert summary.complete
    assert [row.photo for row in job.rows()] == [str(photo) for photo in photos]
    assert {row.outcome for row in job.rows()} == {Outcome.INDEXED}
    assert summary.tally.photos == 70
    assert len(job.face_ids()) == 70
    named = {Path(job.plan.job_folder, part.embeddings or "") for part in job.ledger()}
    assert set(job.kept_embeddings()) == named
    kept = [face for file in named for face in read_embeddings(job.objects, str(file))]
    assert sorted(face.record.face_id for face in kept) == job.face_ids()


def test_a_compressed_manifest_is_shared_by_stripes(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    lines = ["image", *map(str, photos)]
    (tmp_path / "list.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    job = LocalJob(tmp_path, tmp_path / "list.csv.gz", images_per_child=25)
    assert job.plan.children == 4
    job.run()
    rows = sorted(job.rows(), key=lambda row: row.line_in_slice)
    assert [row.line_in_slice for row in rows] == list(range(1, 101))
    assert [row.photo for row in rows] == [str(photo) for photo in photos]
    assert all(read_summary(job.objects, job.plan.job_folder, n).lines == 100 for n in range(4))  # type: ignore[union-attr]


def test_a_manifest_that_changes_during_the_job_ends_it_for_good(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest)
    write_manifest(manifest, photos[:2])
    with pytest.raises(ObjectChangedError) as raised:
        job.run()
    assert exit_code_of(raised.value) == DO_NOT_RETRY
    assert job.rows() == []


def test_a_job_whose_photos_are_erased_while_it_runs_says_so(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, tmp_path / "photos")
    selection = Selection(photos=frozenset((str(photos[0]),)))
    erase_faces(job.objects, job.plan.jobs_root, "staff", selection)
    with pytest.raises(PhotosErasedError, match="photos were erased") as raised:
        job.run()
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("start the same job again")
    assert exit_code_of(raised.value) == DO_NOT_RETRY


@pytest.mark.parametrize("name", ["list.jsonl", "manifest-mine.jsonl"])
def test_a_manifest_of_the_user_in_the_job_folder_is_not_one_that_facerec_wrote(
    tmp_path: Path, name: str
) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    folder = tmp_path / "job"
    folder.mkdir()
    manifest = write_manifest(folder / name, photos)
    job = LocalJob(tmp_path, manifest, job_folder=folder)
    before = manifest.read_bytes()
    selection = Selection(photos=frozenset((str(photos[0]),)))
    erase_faces(job.objects, job.plan.jobs_root, "staff", selection)
    assert manifest.read_bytes() == before
    write_manifest(manifest, photos[:2])
    with pytest.raises(ObjectChangedError, match="has changed since a job first read it"):
        job.run()


def test_a_damaged_compressed_manifest_ends_the_job_for_good(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    content = gzip.compress("\n".join(map(str, photos)).encode())
    (tmp_path / "list.txt.gz").write_bytes(content[:-6])
    job = LocalJob(tmp_path, tmp_path / "list.txt.gz")
    with pytest.raises(InvalidInputError, match="damaged gzip file"):
        job.run()


def test_an_engine_of_another_model_refuses_the_job(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    other = replace(job.parts, engine=FakeEngine("fake-2"))
    with pytest.raises(ModelMismatchError) as raised:
        run_child(job.plan, 0, other)
    assert exit_code_of(raised.value) == DO_NOT_RETRY


def test_an_unavailable_store_is_retried_and_fails_no_photo(
    tmp_path: Path,
) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=99)
    fetch = job.objects.fetch

    def down(uri: str, **settings: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401 - passed on
        if uri.endswith("0050.jpg"):
            raise StoreUnavailableError("the store is down")
        return fetch(uri, **settings)

    job.objects.fetch = down  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailableError) as raised:
        job.run()
    assert exit_code_of(raised.value) == RETRY
    assert len(job.rows()) == 32
    job.objects.fetch = fetch  # type: ignore[method-assign]
    job.run()
    assert len(job.rows()) == 60
