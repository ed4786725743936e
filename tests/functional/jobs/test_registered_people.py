"""Jobs match new photos against registered people, once, however often they are interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.erasures import KeptByJob, Selection, SubjectKind
from facerec.core.events import MatchEvent
from facerec.core.override import override
from facerec.gallery.gallery import Gallery
from facerec.jobs.child.attempt import run_child
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators, RecordedJobData
from tests.support.jobs import LocalJob


class Killed(BaseException):
    """The process ends here."""


class KilledStore(SqliteStore):
    """A store whose process is killed while it writes events."""

    @override
    def put_events(self, new: Sequence[MatchEvent], now: float) -> None:
        super().put_events(new, now)
        raise Killed


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """A job over two photos of Ann and one of somebody else, with Ann registered before."""
    store = SqliteStore(tmp_path / "store.sqlite")
    (tmp_path / "photos").mkdir()
    gallery = Collaborators(store, store, registrations=store).gallery()
    gallery.create_collection("staff")
    gallery.index("staff", fake_photo(fake_face("ann")))
    register(gallery, "ann")
    for shot, who in enumerate(("ann", "ann", "zoe")):
        photo = tmp_path / "photos" / f"{shot}.jpg"
        photo.write_bytes(fake_photo(fake_face(who, away=0.1, shot=shot + 1)))
    return LocalJob(tmp_path, f"{tmp_path}/photos/", faces=store, records=store)


def register(gallery: Gallery, user_id: str) -> None:
    """Register the person of the first photo."""
    (face,) = gallery.search("staff", fake_photo(fake_face("ann"))).faces
    gallery.create_user("staff", user_id)
    gallery.associate_faces("staff", user_id, [face.matches[0].face.face_id])
    gallery.register_user("staff", user_id, consent="2020-01-01", expires="2099-01-01")


def run(job: LocalJob, store: SqliteStore | None = None) -> None:
    used = store or job.records
    assert isinstance(used, SqliteStore)
    parts = replace(job.parts, faces=used, records=used, registrations=used)
    run_child(job.plan, 0, parts)


def photos_of_events(job: LocalJob) -> list[str]:
    assert isinstance(job.records, SqliteStore)
    return sorted(kept.event.photo for kept in job.records.list_events("staff"))


def expected(tmp_path: Path) -> list[str]:
    return [f"{tmp_path}/photos/{shot}.jpg" for shot in range(2)]


def test_each_new_photo_of_a_registered_person_is_an_event(job: LocalJob, tmp_path: Path) -> None:
    run(job)
    assert photos_of_events(job) == expected(tmp_path)
    indexed = {face.face_id for row in job.rows() for face in row.stored}
    assert isinstance(job.records, SqliteStore)
    assert {kept.event.face_id for kept in job.records.list_events("staff")} < indexed


def test_an_attempt_that_is_killed_with_the_events_has_stored_neither_them_nor_faces(
    job: LocalJob, tmp_path: Path
) -> None:
    with KilledStore(tmp_path / "store.sqlite") as killed, pytest.raises(Killed):
        run(job, killed)
    assert photos_of_events(job) == []
    assert len(job.face_ids()) == 1
    run(job)
    assert photos_of_events(job) == expected(tmp_path)
    assert len(job.face_ids()) == 4


@pytest.mark.parametrize("attempts", [1, 3])
def test_attempts_that_are_killed_before_the_ledger_make_no_event_twice(
    job: LocalJob, tmp_path: Path, attempts: int
) -> None:
    def killed(*_: object) -> bool:
        raise Killed

    for _ in range(attempts):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr("facerec.jobs.child.segment_writer.write_segment", killed)
            run(job)
    assert photos_of_events(job) == expected(tmp_path)
    # what was delivered between the attempts stays so
    assert isinstance(job.records, SqliteStore)
    for kept in job.records.list_events("staff"):
        job.records.note_delivered(kept.event, 1.0)
    run(job)
    assert photos_of_events(job) == expected(tmp_path)
    assert job.records.list_events("staff", undelivered=True) == []


@pytest.mark.parametrize("again", [{}, {"force": True}, {"options": {"max_faces": 5}}])
def test_photos_that_are_indexed_again_make_no_event(
    job: LocalJob, tmp_path: Path, again: dict[str, object]
) -> None:
    run(job)
    assert isinstance(job.records, SqliteStore)
    store = job.records
    store.delete_user("staff", "ann")
    register(Collaborators(store, store, registrations=store).gallery(), "e-1")
    second = LocalJob(tmp_path, f"{tmp_path}/photos/", faces=store, records=store, **again)
    run(second)
    assert photos_of_events(second) == []


class JobDataInBetween(RecordedJobData):
    """Job folders that call a function when an erasure reads them, after it deleted events."""

    during: Callable[[], None] = print

    @override
    def get(
        self,
        collection_id: str,
        selection: Selection,
        *,
        with_faces: bool = True,
        on_error: object = None,
    ) -> list[KeptByJob]:
        self.during()
        return super().get(collection_id, selection, with_faces=with_faces, on_error=on_error)


def test_a_photo_that_is_erased_while_its_faces_are_stored_leaves_no_event(tmp_path: Path) -> None:
    """On AWS, the faces are in another store than the events: no transaction contains both."""
    faces, records = (SqliteStore(tmp_path / f"{name}.sqlite") for name in ("faces", "records"))
    (tmp_path / "photos").mkdir()
    data = JobDataInBetween()
    gallery = Collaborators(faces, records, registrations=records, job_data=data).gallery()
    gallery.create_collection("staff")
    faces.create_collection(records.get_collection("staff"))
    gallery.index("staff", fake_photo(fake_face("ann")))
    register(gallery, "ann")
    photo = tmp_path / "photos" / "1.jpg"
    photo.write_bytes(fake_photo(fake_face("ann", away=0.1, shot=1)))
    job = LocalJob(tmp_path, f"{tmp_path}/photos/", faces=faces, records=records)
    parts = replace(job.parts, faces=faces, records=records, registrations=records)
    events = []

    def during() -> None:
        run_child(job.plan, 0, parts)
        events.extend(records.list_events("staff"))

    data.during = during
    gallery.erase("staff", SubjectKind.PHOTO, str(photo))
    assert len(events) == 1
    assert len(job.face_ids()) == 1
    assert records.list_events("staff") == []
