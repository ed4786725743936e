"""A store that was lost, emptied or restored from an older copy: the same job repairs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.storage.sqlite import SqliteStore
from tests.support.job_doors import CommandLineJobs, DeployedJobs, JobDoor, use_fake_engine
from tests.support.workflow.stack import Stack

PEOPLE = ("ann", "bob+cid", "dan")


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
