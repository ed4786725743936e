"""A collection that was deleted and created again, and an older copy that has the deleted one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from facerec.core.records import new_collection
from facerec.gallery.operations.retention import RETENTION_TAG
from tests.support.job_doors import CommandLineJobs, run_jobs_in_this_process, use_fake_engine
from tests.workflow.test_lost_stores import contents, copy, older_copy

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = ("ann", "bob", "cid")


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLineJobs:
    """Photos whose collection was deleted and created again; a photo and a face are gone since.

    The database is a copy from before the deletion, with a photo more.
    """
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    door = CommandLineJobs(tmp_path / "cli")
    door.index(*PEOPLE, "eve")
    older = older_copy(door, tmp_path)
    door.delete_collection()
    door.index(*PEOPLE)
    door.keep_for_days(365)
    (bob,) = (face for face, (_, photo, _) in contents(door).items() if photo.endswith("bob.jpg"))
    door.delete_face(bob)
    door.delete_photo("cid.jpg")
    copy(database_of(door), tmp_path / "now.db")
    copy(older, database_of(door))
    return door


def database_of(door: CommandLineJobs) -> Path:
    return door.data / "facerec.db"


def expected(door: CommandLineJobs, tmp_path: Path) -> tuple[object, object, object]:
    """Return the state of the database before the older copy was restored."""
    copy(database_of(door), tmp_path / "restored.db")
    copy(tmp_path / "now.db", database_of(door))
    found = state(door)
    copy(tmp_path / "restored.db", database_of(door))
    return found


def state(door: CommandLineJobs) -> tuple[object, object, object]:
    with door.store as store:
        return contents(door), store.get_collection("staff"), store.get_tags("staff")


@pytest.mark.parametrize("way", ["index", "verify", "rebuild", "delete and index"])
def test_the_later_collection_is_restored(door: CommandLineJobs, way: str, tmp_path: Path) -> None:
    before = expected(door, tmp_path)
    shown = {
        "index": lambda: door.print_run("people.txt"),
        "verify": lambda: output_of(door, "verify", "staff", "--repair"),
        "rebuild": lambda: output_of(door, "rebuild", "staff"),
        "delete and index": lambda: delete(door) + door.print_run("people.txt"),
    }[way]()
    assert state(door) == before
    assert state(door)[2] == {RETENTION_TAG: "365d"}
    assert "2 faces restored" in shown or way == "rebuild"
    assert "older copy" in shown


def output_of(door: CommandLineJobs, *words: str) -> str:
    """Run a command; return what it prints, including messages about what it does."""
    result = CliRunner().invoke(main, [*words, "--data", str(door.data)])
    assert result.exit_code == 0, result.output
    return result.output


def delete(door: CommandLineJobs) -> str:
    shown = door._run("collections", "delete", "staff", "--yes")
    assert "facerec rebuild staff" in shown
    return shown


def test_a_deletion_that_is_killed_hides_no_later_collection(
    door: CommandLineJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = expected(door, tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("facerec.gallery.receipts.Erasures.finish", stop)
        with pytest.raises(AssertionError):
            door.delete_collection()
    door.print_run("people.txt")
    assert state(door) == before


def test_nothing_is_removed_by_a_comparison(door: CommandLineJobs) -> None:
    with pytest.raises(AssertionError, match="facerec rebuild"):
        door.verify(repair=False)
    assert len(contents(door)) == 4


def test_a_collection_whose_later_one_no_job_has_indexed_is_refused(
    door: CommandLineJobs, tmp_path: Path
) -> None:
    copy(tmp_path / "now.db", database_of(door))
    door.delete_collection()
    with door.store as store:
        store.create_collection(new_collection("staff", "fake-1", time.time()))
    copy(tmp_path / "older.db", database_of(door))
    with pytest.raises(AssertionError, match="was deleted"):
        door.print_run("people.txt")
    assert len(contents(door)) == 4
