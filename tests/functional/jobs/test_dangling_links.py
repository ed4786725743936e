"""A link to a file that does not exist is one photo that is not found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from tests.functional.jobs.test_second_run import Machine
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.settled import let_files_settle


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return Machine(tmp_path, 3)


def test_a_dangling_link_is_a_photo_that_is_not_found(machine: Machine) -> None:
    link = machine.photos / "link.jpg"
    link.symlink_to(machine.photos.parent / "elsewhere.jpg")
    (machine.photos / "folder").symlink_to(machine.photos.parent / "nowhere")
    let_files_settle()
    for tried_again in (2, 0, 0):
        result = machine.index("--tolerated-failures", "50", "--json")
        assert result.exit_code == ExitCode.DONE, result.output
        report = json.loads(result.stdout)
        assert report["failed_photos"] == 2
        assert report["run"]["new_photos"] == (5 if tried_again else 0)
    # The file that the link names exists later.
    (photo, *_) = sorted(machine.photos.glob("*.*"))
    (machine.photos.parent / "elsewhere.jpg").write_bytes(photo.read_bytes())
    result = machine.index("--tolerated-failures", "50", "--json")
    assert json.loads(result.stdout)["run"]["new_photos"] == 1


def test_a_photo_is_gone_if_its_link_leads_nowhere(machine: Machine) -> None:
    target = machine.photos.parent / "elsewhere.jpg"
    photo = sorted(machine.photos.iterdir())[0]
    photo.rename(target)
    photo.symlink_to(target)
    let_files_settle()
    assert machine.index().exit_code == ExitCode.DONE
    target.unlink()
    assert machine.index().exit_code == ExitCode.DONE
    assert machine.faces() == 3
    assert machine.index("--prune").exit_code == ExitCode.DONE
    assert machine.faces() == 2
