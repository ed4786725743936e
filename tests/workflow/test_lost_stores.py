"""A store that was lost, emptied or restored from an older copy: the same job repairs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import (
    CommandLineJobs,
    DeployedJobs,
    JobDoor,
    photo_of,
    use_fake_engine,
)
from tests.support.workflow.stack import Stack

PEOPLE = ("ann", "bob+cid", "dan")
PHOTOS = ("ann", "two")


@pytest.fixture(params=["command line", "deployed"])
def door(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deploy: Callable[..., Stack],
) -> JobDoor:
    """Each door in turn."""
    use_fake_engine(monkeypatch)
    if request.param == "command line":
        return CommandLineJobs(tmp_path / "cli")
    return DeployedJobs(deploy())


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


@pytest.mark.parametrize("damage", ["restored from an older copy", "lost"])
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
    if damage != "lost" and isinstance(door, CommandLineJobs):
        assert report["run"]["faces_restored"] >= 3


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


def test_what_was_deleted_leaves_an_older_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    door = CommandLineJobs(tmp_path / "cli")
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


def test_a_collection_that_was_deleted_is_not_restored(door: JobDoor) -> None:
    door.index(*PEOPLE)
    door.delete_collection()
    door.index("eve")
    assert [source for _, source, _ in contents(door).values()] == [door.address("eve.jpg")]
