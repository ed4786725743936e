"""A store that was lost, emptied or restored from an older copy: the same job repairs it."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from facerec.core.records import new_collection
from facerec.gallery.operations.retention import RETENTION_TAG
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import (
    CommandLineJobs,
    DeployedJobs,
    JobDoor,
    photo_of,
    use_fake_engine,
)
from tests.support.long import rarely_short

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PEOPLE = ("ann", "bob+cid", "dan")
PHOTOS = ("ann", "two")


def database_of(door: JobDoor) -> Path:
    if isinstance(door, CommandLineJobs):
        return door.data / "facerec.db"
    assert isinstance(door, DeployedJobs)
    return door.stack.store


def copy(source: Path, target: Path) -> None:
    """Copy a database over another one, which other processes may have open."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)


def contents(door: JobDoor) -> dict[str, tuple[str | None, str, bytes]]:
    """Return name, address and embedding of each face."""
    ids = door.face_ids()
    with door.store as store:
        return {
            face.record.face_id: (
                face.record.external_image_id,
                face.record.source,
                face.embedding.tobytes(),
            )
            for face in store.get_faces("staff", ids)
        }


def older_copy(door: JobDoor, folder: Path) -> Path:
    path = folder / "older.db"
    copy(database_of(door), path)
    return path


def empty(folder: Path) -> Path:
    with SqliteStore(folder / "empty.db"):
        return folder / "empty.db"


@pytest.mark.parametrize("damage", rarely_short(["restored from an older copy", "lost"], "lost"))
def test_the_same_job_ends_with_the_right_faces(door: JobDoor, damage: str, tmp_path: Path) -> None:
    door.index(*PEOPLE[:1])
    older = older_copy(door, tmp_path)
    door.index(*PEOPLE)
    # Other options in between, and back.
    door.index(*PEOPLE, max_faces=1)
    door.index(*PEOPLE)
    expected = contents(door)
    assert len(expected) == 4
    copy(empty(tmp_path) if damage == "lost" else older, database_of(door))
    report = door.index(*PEOPLE)
    assert report["status"] == "SUCCEEDED"
    assert contents(door) == expected
    assert report["run"]["faces_restored"] >= 3
    assert report["run"]["collection_restored"] is (damage == "lost")


def index_and_delete(door: JobDoor, before_deletion: Callable[[], object]) -> list[str]:
    """Index two photos and delete a face of each; call a function in between.

    Returns:
        The ids of the deleted faces.
    """
    door.write("two.jpg", fake_photo(fake_face("bob", left=0.1), fake_face("cid", left=0.6)))
    door.write("ann.jpg", photo_of("ann"))
    door.index_again(PHOTOS)
    before_deletion()
    found = contents(door).items()
    deleted = [
        next(face for face, (_, source, _) in found if source.endswith(f"{photo}.jpg"))
        for photo in PHOTOS
    ]
    for face_id in deleted:
        door.delete_face(face_id)
    return deleted


def test_what_was_deleted_stays_deleted_in_a_lost_store(door: JobDoor, tmp_path: Path) -> None:
    deleted = index_and_delete(door, lambda: None)
    expected = contents(door)
    copy(empty(tmp_path), database_of(door))
    door.index_again(PHOTOS)
    assert contents(door) == expected
    door.index_again(PHOTOS, restore_deleted=True)
    assert contents(door).keys() == expected.keys() | set(deleted)


def test_what_was_deleted_leaves_an_older_copy(door: JobDoor, tmp_path: Path) -> None:
    index_and_delete(door, lambda: older_copy(door, tmp_path))
    expected = contents(door)
    copy(tmp_path / "older.db", database_of(door))
    assert len(contents(door)) == 3
    report = door.index_again(PHOTOS)
    assert report["run"]["faces_returned"] == 2
    assert contents(door) == expected
    # The photos are read again, and the tombstones are back too.
    door.index_again(PHOTOS, force=True)
    assert contents(door).keys() == expected.keys()


def index_two_lists(door: JobDoor) -> dict[str, tuple[str | None, str, bytes]]:
    """Index two lists with different options, delete all photos, and keep faces for a year."""
    door.write("old.txt", b"")
    for person in ("eve", *PEOPLE):
        door.write(f"{person}.jpg", photo_of(person))
    door.write("old.txt", f"{door.address('eve.jpg')}\n{door.address('ann.jpg')}\n".encode())
    door.run("old.txt", max_faces=7)
    door.index_again(PEOPLE)
    for person in ("eve", *PEOPLE):
        door.delete_photo(f"{person}.jpg")
    door.keep_for_days(365)
    return contents(door)


def test_a_lost_store_is_restored_without_a_photo(door: JobDoor, tmp_path: Path) -> None:
    expected = index_two_lists(door)
    with door.store as store:
        before = store.get_collection("staff")
    copy(empty(tmp_path), database_of(door))
    report = door.index_again(PEOPLE)
    assert report["status"] == "SUCCEEDED"
    assert contents(door) == expected
    with door.store as store:
        assert store.get_collection("staff") == before
        assert store.get_tags("staff") == {RETENTION_TAG: "365d"}
    again = door.index_again(PEOPLE)
    assert contents(door) == expected
    if isinstance(door, CommandLineJobs):
        run = report["run"]
        assert run["collection_restored"]
        assert (run["faces_restored"], run["new_photos"]) == (5, 0)
        assert not again["run"]["collection_restored"]


def test_a_run_says_in_one_line_that_the_database_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    door = CommandLineJobs(tmp_path / "cli")
    index_two_lists(door)
    copy(empty(tmp_path), database_of(door))
    first, second, *_ = door.print_run("people.txt").splitlines()
    assert first.startswith("the database had lost the collection")
    assert second == "5 faces restored: the collection had lost them"


def test_a_collection_that_was_created_again_after_a_loss_gets_its_faces(
    door: JobDoor, tmp_path: Path
) -> None:
    expected = index_two_lists(door)
    copy(empty(tmp_path), database_of(door))
    with door.store as store:
        store.create_collection(new_collection("staff", "fake-1", time.time()))
    door.write("fay.jpg", photo_of("fay"))
    door.index_again(["fay"])
    assert contents(door).keys() > expected.keys()
    assert len(contents(door)) == len(expected) + 1
    with door.store as store:
        assert store.get_tags("staff") == {RETENTION_TAG: "365d"}
    # What is set otherwise since then stays so.
    door.keep_for_days(7)
    door.index_again(["fay"])
    with door.store as store:
        assert store.get_tags("staff") == {RETENTION_TAG: "7d"}
    assert len(contents(door)) == len(expected) + 1


def test_a_deleted_collection_of_an_older_copy_is_refused(door: JobDoor, tmp_path: Path) -> None:
    door.index(*PEOPLE)
    older = older_copy(door, tmp_path)
    door.delete_collection()
    copy(older, database_of(door))
    if isinstance(door, DeployedJobs):
        cause = door.stack.index(door.address("people.txt")).cause
        assert "was deleted" in cause
        assert "facerec collections" not in cause
    else:
        with pytest.raises(AssertionError, match="was deleted"):
            door.index_again(PEOPLE)
    door.delete_collection()
    door.index_again(PEOPLE)
    assert len(contents(door)) == 4


@pytest.mark.parametrize("is_deleted_again", [False, True])
def test_a_collection_that_was_created_again_is_restored_from_an_older_copy(
    door: JobDoor, *, is_deleted_again: bool, tmp_path: Path
) -> None:
    door.index(*PEOPLE)
    older = older_copy(door, tmp_path)
    door.delete_collection()
    door.index(*PEOPLE[:2])
    expected = contents(door)
    assert len(expected) == 3
    copy(older, database_of(door))
    door.delete_photo("ann.jpg")
    if is_deleted_again:
        door.delete_collection()
    elif isinstance(door, DeployedJobs):
        assert "was deleted" in door.stack.index(door.address("people.txt")).cause
        door.rebuild()
    door.index_again(PEOPLE[:2])
    assert contents(door) == expected


def test_a_collection_that_was_deleted_is_not_restored(door: JobDoor) -> None:
    door.index(*PEOPLE)
    door.delete_collection()
    door.index("eve")
    assert [source for _, source, _ in contents(door).values()] == [door.address("eve.jpg")]
