"""``--prune`` removes faces of photos that are gone, also after copies of data were restored."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.storage.sqlite import SqliteStore
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos


class Machine:
    """A data folder, and a folder of photos of which some are removed."""

    def __init__(self, folder: Path) -> None:
        self.data, self.photos, self.copies = folder / "data", folder / "photos", folder / "copies"
        write_photos(self.photos, 4)
        self.files = sorted(path for path in self.photos.rglob("*") if path.is_file())
        for path in self.files:
            os.utime(path, (1_600_000_000, 1_600_000_000))

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--data", str(self.data)])

    def index(self, *options: str) -> Result:
        words = ["index", str(self.photos), "--collection", "staff", "--workers", "1", *options]
        result = self.command(*words)
        assert result.exit_code == 0, result.output
        return result

    def copy(self, name: str) -> None:
        path = self.data / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, self.copies / name)

    def restore(self, name: str) -> None:
        path = self.data / name
        if path.is_dir():
            shutil.rmtree(path)
            shutil.copytree(self.copies / name, path)
        else:
            for suffix in ("-wal", "-shm"):
                (self.data / f"{name}{suffix}").unlink(missing_ok=True)
            # Not into the old file, which the run before may still have open in this process.
            shutil.copy(self.copies / name, self.data / "copy")
            (self.data / "copy").replace(path)

    def sources(self) -> Counter[str]:
        with SqliteStore(self.data / "facerec.db") as store:
            return Counter(face.source for face in store.list_faces("staff"))

    def expected(self) -> Counter[str]:
        return Counter(str(path) for path in self.files if path.exists())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    machine = Machine(tmp_path)
    machine.copies.mkdir()
    return machine


def test_job_folders_that_are_older_than_the_collection(machine: Machine) -> None:
    last = machine.files[-1]
    content = last.read_bytes()
    last.unlink()
    machine.index()
    machine.copy("jobs")
    last.write_bytes(content)
    machine.index()
    machine.restore("jobs")
    last.unlink()
    machine.index()
    assert str(last) in machine.sources()
    machine.index("--prune")
    assert machine.sources() == machine.expected()


def test_a_database_that_is_older_than_a_removal(machine: Machine) -> None:
    machine.index()
    with SqliteStore(machine.data / "facerec.db"):
        machine.copy("facerec.db")
    machine.files[0].unlink()
    machine.index("--prune")
    machine.restore("facerec.db")
    machine.index("--prune")
    assert machine.sources() == machine.expected()


def test_a_deleted_job(machine: Machine) -> None:
    machine.index()
    assert machine.command("jobs", "delete", "latest", "--yes").exit_code == 0
    machine.files[0].unlink()
    machine.index("--prune")
    assert machine.sources() == machine.expected()


def test_the_faces_are_compared_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.index()
    machine.command("jobs", "delete", "latest", "--yes")
    machine.index("--prune")
    monkeypatch.setattr("facerec.jobs.stale_faces.find_unremembered", None)
    machine.files[0].unlink()
    machine.index("--prune")
    assert machine.sources() == machine.expected()


def test_more_photos_than_may_be_pruned_keep_their_faces(machine: Machine) -> None:
    machine.index()
    machine.command("jobs", "delete", "latest", "--yes")
    for path in machine.files[:3]:
        path.unlink()
    words = ["index", str(machine.photos), "--collection", "staff", "--prune"]
    result = machine.command(*words)
    assert result.exit_code != 0
    assert "3 of 4 photos" in result.output
    assert len(machine.sources()) == 4
    machine.index("--prune", "--prune-limit", "80")
    assert machine.sources() == machine.expected()
