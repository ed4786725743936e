"""No event outlives the erasure of what it is about, even if the erasure is interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facerec.core.erasures import Selection, SubjectKind
from facerec.core.events import CLAIM_SECONDS, KeptEvent
from facerec.errors import StoreUnavailableError
from facerec.factory import open_local_erasures
from facerec.gallery.gallery import Gallery
from facerec.jobs.erasure_check.check import find_remainders
from facerec.jobs.erasure_check.traces import CheckedStores, Traces
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Clock, Collaborators, RecordedJobData


class UnavailableJobData(RecordedJobData):
    """Job folders that cannot be reached, so that no erasure is finished."""

    def forget(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Fail."""
        raise StoreUnavailableError("Amazon S3", "it cannot be reached")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with Ann, who is registered, and an event of another photo of her."""
    with SqliteStore(tmp_path / "facerec.db") as store:
        gallery = Collaborators(store, store, registrations=store).gallery()
        gallery.create_collection("staff")
        gallery.index("staff", photo("ann"))
        (face,) = gallery.list_faces("staff").faces
        for user_id in ("ann", "bob"):
            gallery.create_user("staff", user_id)
        gallery.associate_faces("staff", "ann", [face.record.face_id])
        gallery.register_user("staff", "ann", consent="2020-01-01", expires="2099-01-01")
        gallery.index("staff", photo("ann", 1))
        gallery.associate_faces("staff", "bob", [new_face_of(store)])
        yield store


def collaborators(store: SqliteStore) -> Collaborators:
    return Collaborators(store, store, registrations=store)


def claimed(store: SqliteStore) -> KeptEvent | None:
    return store.claim_event(Clock().now, Clock().now + CLAIM_SECONDS)


def photo(person: str, shot: int = 0) -> bytes:
    return fake_photo(fake_face(person, away=0.1 * shot, shot=shot))


def new_face_of(store: SqliteStore) -> str:
    (kept,) = store.list_events("staff")
    return kept.event.face_id


ERASING: dict[str, Callable[[Gallery, SqliteStore], object]] = {
    "the collection": lambda gallery, _: gallery.delete_collection("staff"),
    "the person": lambda gallery, _: gallery.erase("staff", SubjectKind.USER, "ann"),
    "the face": lambda gallery, store: gallery.erase("staff", SubjectKind.FACE, new_face_of(store)),
    "the face's person": lambda gallery, _: gallery.erase("staff", SubjectKind.USER, "bob"),
}


@pytest.mark.parametrize("erased", ERASING)
def test_an_erasure_that_is_interrupted_leaves_no_event(store: SqliteStore, erased: str) -> None:
    unavailable = Collaborators(store, store, registrations=store)
    unavailable.job_data = UnavailableJobData()
    with pytest.raises(StoreUnavailableError):
        ERASING[erased](unavailable.gallery(), store)
    assert store.list_events("staff") == []
    # nor does a job that still runs add one
    registered = [user.user_id for user in store.list_registered("staff")]
    assert registered == ([] if erased in ("the collection", "the person") else ["ann"])


@pytest.mark.parametrize("erased", ERASING)
def test_an_erasure_waits_until_an_event_that_is_being_sent_is_sent(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, erased: str
) -> None:
    monkeypatch.setattr("facerec.core.events.SEND_SECONDS", 0.3)
    gallery, began = collaborators(store).gallery(), time.monotonic()
    assert claimed(store) is not None
    ERASING[erased](gallery, store)
    assert time.monotonic() >= began + 0.3
    assert store.list_events("staff") == []


def test_an_erasure_does_not_wait_for_events_that_are_not_being_sent(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerec.core.events.SEND_SECONDS", 60.0)
    gallery, began, now = collaborators(store).gallery(), time.monotonic(), Clock().now
    kept = claimed(store)
    assert kept is not None
    store.note_undelivered(kept.event, "no answer", now + 3600)
    gallery.erase("staff", SubjectKind.USER, "ann")
    assert time.monotonic() < began + 30


def test_the_check_of_an_erasure_finds_an_event_that_is_left(
    store: SqliteStore, tmp_path: Path
) -> None:
    stores = CheckedStores(
        store,
        store,
        Objects(),
        f"{tmp_path}/jobs/",
        open_local_erasures(tmp_path),
        registrations=store,
    )
    for selection in (
        Selection(user_ids=frozenset({"ann"})),
        Selection(face_ids=frozenset({new_face_of(store)})),
    ):
        left = find_remainders("staff", Traces(selection, frozenset(), ()), stores)
        assert "the events of registered people" in {each.place for each in left}
    store.delete_events("staff", [new_face_of(store)])
    left = find_remainders("staff", Traces(selection, frozenset(), ()), stores)
    assert "the events of registered people" not in {each.place for each in left}


def test_undoing_a_merge_registers_the_person_again(store: SqliteStore) -> None:
    gallery = Collaborators(store, store, registrations=store).gallery()
    gallery.merge_users("staff", "bob", "ann")
    assert store.list_events("staff") == []
    assert store.list_registered("staff") == []
    gallery.undo("staff", gallery.list_history("staff").entries[0].cause.entry_id)
    assert [user.user_id for user in store.list_registered("staff")] == ["ann"]
