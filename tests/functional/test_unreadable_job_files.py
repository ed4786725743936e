"""What cannot be read in job folders is named by the commands that compare, restore and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.errors import ReadFailedError
from facerec.storage.objects.local import LocalObjects
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


@pytest.mark.parametrize("damage", ["bad sector in rows", "bad sector in embeddings", "no plan"])
def test_an_export_has_all_that_can_be_read_and_names_the_rest(
    machine: Machine, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine.index("staff")
    more = "index {photos} --collection staff --workers 1 --max-faces 1"
    assert machine.run(more).exit_code == ExitCode.DONE
    export = "export --collection staff --photo {photos}/0000.jpg --output "
    whole = machine.folder / "whole"
    assert machine.run(f"{export}{whole}").exit_code == ExitCode.DONE
    if damage == "no plan":
        (first / "plan.json").unlink()
        named = f"{first.name}/"
    else:
        (file,) = first.glob("ledger/*/*" if damage.endswith("rows") else "embeddings/*/*")
        named = file.name
        read, fetch = LocalObjects.read, LocalObjects.fetch

        def failing(call: Any) -> Any:  # noqa: ANN401
            def called(self: LocalObjects, uri: str, **options: Any) -> Any:  # noqa: ANN401
                if uri == str(file):
                    raise ReadFailedError(uri, "Input/output error")
                return call(self, uri, **options)

            return called

        monkeypatch.setattr(LocalObjects, "read", failing(read))
        monkeypatch.setattr(LocalObjects, "fetch", failing(fetch))
    part = machine.folder / "part"
    exported = machine.run(f"{export}{part}")
    assert exported.exit_code == ExitCode.ERROR, exported.output
    assert named in "".join(exported.stderr.split())
    document, complete = (json.loads((each / "export.json").read_text()) for each in (part, whole))
    assert violation("export", document) is None
    assert complete.pop("unreadable") == []
    assert any(named in each for each in document.pop("unreadable"))
    assert document["faces"] == complete["faces"]
    jobs = [{job["job_id"]: job for job in each["jobs"]} for each in (document, complete)]
    for job_id in jobs[1].keys() - {first.name}:
        assert jobs[0][job_id] == jobs[1][job_id]
    if damage == "bad sector in rows":
        assert jobs[0][first.name]["faces"] == jobs[1][first.name]["faces"]
