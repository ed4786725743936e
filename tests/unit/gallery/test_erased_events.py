"""No event outlives the erasure of what it is about, even if the erasure is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.errors import StoreUnavailableError
from facerec.gallery.gallery import Gallery
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators, RecordedJobData


class UnavailableJobData(RecordedJobData):
    """Job folders that cannot be reached, so that no erasure is finished."""

    def forget(self, *_: object) -> list[object]:  # type: ignore[override]
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


def test_undoing_a_merge_registers_the_person_again(store: SqliteStore) -> None:
    gallery = Collaborators(store, store, registrations=store).gallery()
    gallery.merge_users("staff", "bob", "ann")
    assert store.list_events("staff") == []
    assert store.list_registered("staff") == []
    gallery.undo("staff", gallery.list_history("staff").entries[0].cause.entry_id)
    assert [user.user_id for user in store.list_registered("staff")] == ["ann"]
