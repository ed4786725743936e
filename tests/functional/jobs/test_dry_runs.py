"""A dry run of `facerec index` announces what the run does, or that it is refused."""

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
    return Machine(tmp_path, 6)


def remove(machine: Machine, number: int) -> None:
    for photo in sorted(machine.photos.iterdir())[:number]:
        photo.unlink()


def test_a_dry_run_is_refused_like_the_run(machine: Machine) -> None:
    let_files_settle()
    assert machine.index().exit_code == ExitCode.DONE
    remove(machine, 4)
    shown = machine.index("--prune", "--dry-run")
    refused = machine.index("--prune")
    assert shown.exit_code == refused.exit_code == ExitCode.INVALID_INPUT
    for result in (shown, refused):
        assert "4 of 6 photos" in " ".join(result.stderr.split())
        assert "more than the 50 % that may be pruned" in " ".join(result.stderr.split())
    assert shown.stdout.count("gone: ") == 4
    document = json.loads(machine.index("--prune", "--dry-run", "--json").stdout)
    assert ["4 of 6 photos" in problem for problem in document["problems"]] == [True]
    # Without --prune, and with a higher limit, the run is not refused.
    for options in ((), ("--prune", "--prune-limit", "70")):
        assert machine.index(*options, "--dry-run").exit_code == ExitCode.DONE
        assert machine.index(*options).exit_code == ExitCode.DONE
    assert machine.faces() == 2


def test_a_dry_run_of_an_empty_folder_is_refused_like_the_run(machine: Machine) -> None:
    remove(machine, 6)
    shown, refused = machine.index("--dry-run"), machine.index()
    assert shown.exit_code == refused.exit_code == ExitCode.INVALID_INPUT
    for result in (shown, refused):
        assert "contains no photos" in " ".join(result.stderr.split())


def test_a_dry_run_does_not_count_moved_photos_as_pruned(machine: Machine) -> None:
    let_files_settle()
    assert machine.index().exit_code == ExitCode.DONE
    (machine.photos / "later").mkdir()
    for photo in sorted(machine.photos.glob("*.*"))[:2]:
        photo.rename(machine.photos / "later" / photo.name)
    shown = machine.index("--prune", "--dry-run").stdout
    assert "--prune removes" not in shown
    assert "2 photos seem to have moved: if so, 2 faces will have the new address" in shown
    pruned = machine.index("--prune").stdout
    assert "2 faces of moved photos" in " ".join(pruned.split())
    assert machine.faces() == 6


def test_the_counts_of_a_repeated_run_agree(machine: Machine) -> None:
    let_files_settle()
    machine.index()
    photo = sorted(machine.photos.iterdir())[0]
    photo.rename(machine.photos / "renamed.jpg")
    let_files_settle()
    assert "Indexing 1 photo (5 unchanged)" in machine.index().stderr
    again = machine.index()
    assert "Indexing 6 photos into" in again.stderr
    assert "6 photos are unchanged" in again.stdout
    shown = machine.index("--force", "--dry-run").stdout
    assert "changed" not in shown.replace("unchanged", "")
    assert "to be read again" in shown
