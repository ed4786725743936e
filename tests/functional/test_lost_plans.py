"""A job folder that has lost its plan is named by the commands that compare and restore."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos


class Machine:
    """The command line over a data folder with photos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_photos(folder / "photos", 2)

    def run(self, command: str) -> Result:
        words = command.format(photos=self.folder / "photos").split()
        return CliRunner(env={"FACEREC_DATA": str(self.folder / "data")}).invoke(main, words)

    def index(self, collection_id: str) -> Path:
        """Index the photos; return the new job folder."""
        before = set(self.folder.glob("data/jobs/*"))
        done = self.run(f"index {{photos}} --collection {collection_id} --workers 1")
        assert done.exit_code == ExitCode.DONE, done.output
        (folder,) = (
            path for path in set(self.folder.glob("data/jobs/*")) - before if "@" not in path.name
        )
        return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return Machine(tmp_path)


@pytest.mark.parametrize("command", ["verify staff", "verify staff --repair", "rebuild staff"])
def test_a_folder_without_a_plan_is_named_with_what_to_do(machine: Machine, command: str) -> None:
    lost = machine.index("staff")
    plan = (lost / "plan.json").read_bytes()
    machine.run("index {photos} --collection staff --workers 1 --max-faces 1")
    (lost / "plan.json").unlink()
    shown = machine.run(command)
    assert shown.exit_code == ExitCode.ERROR, shown.output
    said = " ".join(shown.output.split())
    assert f"{lost.name}/ cannot be checked: it has no plan.json" in said
    assert "restore its plan.json from a backup; or remove the folder" in said
    assert "has all of them" not in said
    (lost / "plan.json").write_bytes(plan)
    repaired = machine.run(command)
    assert repaired.exit_code == ExitCode.DONE, repaired.output


def test_folders_of_others_and_late_files_of_deleted_jobs_are_no_damage(machine: Machine) -> None:
    first = machine.index("staff")
    assert machine.run("collections delete staff --yes").exit_code == ExitCode.DONE
    machine.index("staff")
    late = first / "embeddings" / "0000000" / "left.npz"
    late.parent.mkdir(parents=True)
    late.write_bytes(b"faces")
    (machine.index("guests") / "plan.json").unlink()
    shown = machine.run("verify staff")
    assert shown.exit_code == ExitCode.DONE, shown.output
    assert machine.run("verify guests").exit_code == ExitCode.ERROR
