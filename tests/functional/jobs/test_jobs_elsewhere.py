"""Jobs whose folders are given with ``--job-folder``, together with those in the data folder."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.jobs.erasing.collection_erasure import erase_collection
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos
from tests.support.long import mostly_long

PHOTOS = 3


class Machine:
    """A data folder, photos, and folders that are given with ``--job-folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        write_photos(folder / "photos", PHOTOS)

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--data", str(self.data)])

    def index(self, job: str | None = None, *options: str) -> Result:
        """Index the photos, in a job folder of this name or one in the data folder."""
        place = [] if job is None else ["--job-folder", str(self.folder / job)]
        words = ["index", str(self.folder / "photos"), "--collection", "staff", "--workers", "1"]
        return self.command(*words, *place, *options)

    def list_jobs(self) -> list[dict[str, Any]]:
        answer = json.loads(self.command("jobs", "list", "--json").stdout)
        listed: list[dict[str, Any]] = answer["jobs"]
        return listed

    def faces(self) -> list[str]:
        with SqliteStore(self.data / "facerec.db") as store:
            return [face.face_id for face in store.list_faces("staff", limit=100)]

    def delete_faces(self, face_ids: Sequence[str]) -> None:
        deleted = self.command("faces", "delete", "--collection", "staff", *face_ids)
        assert deleted.exit_code == 0, deleted.output

    def kept(self) -> set[str]:
        """Return the faces whose embeddings are anywhere on the disk."""
        return {
            face.record.face_id
            for file in self.folder.rglob("*.npz")
            for face in read_embeddings(LocalObjects(), str(file))
        }


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return Machine(tmp_path)


@pytest.mark.parametrize(
    "places", [(None, "a", "b"), ("a", None, "b"), ("a", "b", None), ("a", None, "a")]
)
def test_a_deleted_face_stays_deleted_wherever_the_folders_of_its_jobs_are(
    machine: Machine, places: tuple[str | None, ...]
) -> None:
    first, second, third = places
    assert machine.index(first).exit_code == 0
    assert machine.index(second).exit_code == 0
    gone, *others = machine.faces()
    machine.delete_faces([gone])
    assert machine.kept() == set(others)
    for place in (third, first):
        assert machine.index(place).exit_code == 0
        assert set(machine.faces()) == machine.kept() == set(others)
    machine.delete_faces(others)
    assert machine.index(third).exit_code == 0
    assert machine.faces() == []
    assert machine.kept() == set()


@pytest.mark.parametrize(
    "places", mostly_long([(None, "a"), ("a", None), ("a", "b"), ("a", "a")], 2)
)
def test_a_collection_is_deleted_with_all_rounds_wherever_they_are(
    machine: Machine, places: tuple[str | None, ...]
) -> None:
    for place in places:
        assert machine.index(place, "--force").exit_code == 0
    deleted = machine.command("collections", "delete", "staff", "--yes")
    assert deleted.exit_code == 0, deleted.output
    assert machine.kept() == set()
    assert list((machine.data / "jobs").iterdir()) == []
    assert list(machine.folder.rglob("plan.json")) == []


def test_a_folder_with_a_plan_and_a_note_has_both_folders_erased(
    machine: Machine, tmp_path: Path
) -> None:
    machine.index("a")
    (note,) = (machine.data / "jobs").glob("*/elsewhere.json")
    for path in [path for path in (tmp_path / "a").rglob("*") if path.is_file()]:
        copy = note.parent / path.relative_to(tmp_path / "a")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    gone, *others = machine.faces()
    machine.delete_faces([gone])
    assert machine.kept() == set(others)
    assert machine.command("collections", "delete", "staff", "--yes").exit_code == 0
    assert machine.kept() == set()
    assert list((machine.data / "jobs").iterdir()) == []


@pytest.mark.parametrize("job", [None, "a", "b"])
def test_a_job_whose_folder_is_missing_is_refused_with_a_remedy(
    machine: Machine, tmp_path: Path, job: str | None
) -> None:
    machine.index("a")
    machine.delete_faces(machine.faces()[:1])
    others = machine.faces()
    (note,) = (machine.data / "jobs").glob("*/elsewhere.json")
    (tmp_path / "a").rename(tmp_path / "unmounted")
    refusals = [machine.index(job), machine.command("jobs", "status", note.parent.name)]
    for refused in refusals:
        assert refused.exit_code != 0
        assert "Indexing" not in refused.output
        assert "missing" in refused.output
        assert note.name in refused.output.replace("\n", "")
    assert machine.index("unmounted").exit_code == 0
    assert set(machine.faces()) == machine.kept() == set(others)
    assert machine.command("collections", "delete", "staff", "--yes").exit_code == 0
    assert machine.kept() == set()


def test_a_collection_whose_job_folder_is_missing_is_deleted_once_it_is_back(
    machine: Machine, tmp_path: Path
) -> None:
    machine.index("a")
    (tmp_path / "a").rename(tmp_path / "unmounted")
    refused = machine.command("collections", "delete", "staff", "--yes")
    assert refused.exit_code != 0
    assert "missing" in refused.output
    # The stores are erased, so that a new collection may have the name.
    assert machine.index("b").exit_code == 0
    (tmp_path / "unmounted").rename(tmp_path / "a")
    assert machine.command("collections", "delete", "staff", "--yes").exit_code == 0
    assert machine.kept() == set()


def test_a_job_whose_folder_is_missing_is_listed_with_the_cause(
    machine: Machine, tmp_path: Path
) -> None:
    machine.index("a")
    (before,) = machine.list_jobs()
    (tmp_path / "a").rename(tmp_path / "unmounted")
    (after,) = machine.list_jobs()
    assert (after["status"], after["cause"]) == ("UNREADABLE", "its folder is missing")
    assert [after[key] for key in ("job_id", "collection_id")] == [
        before[key] for key in ("job_id", "collection_id")
    ]
    assert "its folder is missing" in machine.command("jobs", "list").stdout
    assert "1 job cannot be read" in machine.command("verify", "staff").stdout


@pytest.mark.parametrize("command", ["status", "report", "failures", "watch"])
def test_a_job_is_found_by_the_path_of_its_folder(
    machine: Machine, tmp_path: Path, command: str
) -> None:
    machine.index("a")
    (tmp_path / "a").rename(tmp_path / "moved")
    found = machine.command("jobs", command, str(tmp_path / "moved"))
    assert found.exit_code == 0, found.output


def test_a_job_whose_folder_was_taken_by_another_job_is_listed_as_missing(
    machine: Machine, tmp_path: Path
) -> None:
    machine.index("a")
    (tmp_path / "a").rename(tmp_path / "unmounted")
    other = machine.command(
        *("index", str(tmp_path / "photos"), "--collection", "visitors", "--workers", "1"),
        *("--job-folder", str(tmp_path / "a")),
    )
    assert other.exit_code == 0, other.output
    statuses = {job["collection_id"]: job["status"] for job in machine.list_jobs()}
    assert statuses == {"staff": "UNREADABLE", "visitors": "SUCCEEDED"}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version": 2}'])
def test_a_job_with_a_damaged_plan_is_listed_with_the_cause(
    machine: Machine, content: bytes
) -> None:
    machine.index()
    (plan,) = (machine.data / "jobs").glob("*/plan.json")
    plan.write_bytes(content)
    (listed,) = machine.list_jobs()
    assert listed["job_id"] == plan.parent.name
    assert (listed["status"], listed["cause"]) == ("UNREADABLE", "its plan is damaged")


def test_a_job_with_a_damaged_note_is_listed_with_the_cause(machine: Machine) -> None:
    machine.index("a")
    (note,) = (machine.data / "jobs").glob("*/elsewhere.json")
    note.write_bytes(b"{")
    (listed,) = machine.list_jobs()
    assert listed["job_id"] == note.parent.name
    assert (listed["status"], listed["cause"]) == (
        "UNREADABLE",
        "the note of its folder is damaged",
    )


def test_without_its_note_a_missing_folder_is_forgotten(machine: Machine, tmp_path: Path) -> None:
    machine.index("a")
    (note,) = (machine.data / "jobs").glob("*/elsewhere.json")
    (tmp_path / "a").rename(tmp_path.with_name(f"{tmp_path.name}-gone"))
    note.unlink()
    assert machine.index().exit_code == 0
    assert len(machine.faces()) == PHOTOS
    assert machine.command("collections", "delete", "staff", "--yes").exit_code == 0


class Killed(LocalObjects):
    """Is killed before its n-th change."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self.left = changes

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

    def delete(self, uri: str) -> None:
        self._step()
        super().delete(uri)

    def delete_folder(self, prefix: str) -> None:
        self._step()
        super().delete_folder(prefix)


def test_a_killed_deletion_of_folders_elsewhere_is_completed_by_the_next_one(
    machine: Machine, tmp_path: Path
) -> None:
    machine.index("a")
    machine.index("a", "--force")
    root = machine.data / "jobs"
    for folder in (root, tmp_path / "a"):
        shutil.copytree(folder, tmp_path / "copies" / folder.name)
    for changes in itertools.count():
        try:
            erase_collection(Killed(changes), f"{root}/", "staff")
        except KeyboardInterrupt:
            erase_collection(LocalObjects(), f"{root}/", "staff")
        else:
            break
        assert list(root.iterdir()) == []
        assert list((tmp_path / "a").rglob("*.npz")) == []
        for folder in (root, tmp_path / "a"):
            shutil.copytree(tmp_path / "copies" / folder.name, folder, dirs_exist_ok=True)
    assert changes >= 10


def test_the_damaged_note_of_a_job_is_named_and_deleted(machine: Machine, tmp_path: Path) -> None:
    machine.index("a")
    (note,) = (machine.data / "jobs").glob("*/elsewhere.json")
    note.write_bytes(note.read_bytes()[:20])
    refused = machine.command("collections", "delete", "staff", "--yes")
    assert refused.exit_code == 4
    assert "delete the job" in refused.output
    deleted = machine.command("jobs", "delete", note.parent.name, "--yes")
    assert deleted.exit_code == 0, deleted.output
    assert "delete that folder too" in deleted.output
    assert (tmp_path / "a" / "plan.json").exists()
    assert not note.exists()
    assert machine.command("collections", "delete", "staff", "--yes").exit_code == 0


def test_the_folder_of_the_photos_is_not_that_of_the_job(machine: Machine) -> None:
    refused = machine.index("photos")
    assert refused.exit_code == 4
    assert "photos/ is for the files of jobs" in refused.stderr
    assert "choose another folder for the job" in refused.stderr
    assert len(list((machine.folder / "photos").iterdir())) == PHOTOS
