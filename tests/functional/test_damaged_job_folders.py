"""A damaged file of a job folder, or of what jobs remember, is one line with a way out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos
from tests.support.long import mostly_long

KEPT = (
    *("plan.json", "report.json", "started.json", "run.json", "manifest-*.jsonl"),
    *("ledger/*/*.jsonl", "embeddings/*/*.npz", "children/*.json", "index/*", "remembered/*"),
    *(
        "../remembered@staff/*/settings.json",
        "../remembered@staff/*/0*",
        "../remembered@staff/*/v*",
    ),
)
"""Files that a job has written."""

OTHERS = (
    *("removal.json", "stale.jsonl", "enrolled.json", "imported.json", "first-failures.json"),
    *("run-summary.json", "runs/0000001/0000000.json", "run.json", "cancel"),
    *("../remembered@staff/{created}/adopted.json", "../remembered@staff/{created}/lost"),
    *("../remembered@staff/{created}/doubt", "../remembered@staff/{created}/erased-1"),
    "../remembered@staff/{created}/planning-1",
    *("../remembered@staff/{created}/00000009-merged", "../remembered@staff/{created}.bak/a"),
    *("../remembered@staff/{created}/00000009-ab-gone",),
    *(
        "../remembered@staff/{created}/tombstones-1.json",
        "../remembered@staff/{created}/bulk-import.json",
    ),
)
"""Files that other jobs write."""

COMMANDS = (
    "jobs status latest",
    "verify staff --repair",
    "index {photos} --collection staff --workers 1 --prune",
    "erase --collection staff --photo {photos}/0000.jpg --yes",
    "collections delete staff --yes",
)

DAMAGES = (b"", b"{", b'[{"odd": 1}]', b'{"odd": 1}', b"\xff\x00")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a complete job, which no test changes."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_engine(patch)
        run_jobs_in_this_process(patch)
        write_photos(folder / "photos", 2)
        indexed = run(folder, COMMANDS[2])
        assert indexed.exit_code == ExitCode.DONE, indexed.output
    return folder


def run(folder: Path, command: str) -> Result:
    words = command.format(photos=folder / "photos").split()
    return CliRunner(env={"FACEREC_DATA": str(folder / "data")}).invoke(main, words)


def damage(folder: Path, kind: str, content: bytes) -> None:
    """Damage a kind of file in all job folders, unless the jobs are gone by now."""
    found = folder.glob("data/jobs/remembered@staff/*.*")
    memories = [path for path in found if path.is_dir()]
    for plan in list(folder.glob("data/jobs/*/plan.json")) if memories else ():
        if kind in KEPT:
            files = [path for path in plan.parent.glob(kind) if path.is_file()]
        else:
            files = [plan.parent / kind.format(created=memories[0].name)]
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


@pytest.mark.parametrize("kind", mostly_long([*KEPT, *OTHERS], 10))
def test_every_command_says_in_a_line_what_is_damaged_and_what_helps(
    kind: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    first = (*KEPT, *OTHERS).index(kind)
    for number in (first, first + 1):
        content = DAMAGES[number % len(DAMAGES)]
        folder = tmp_path / str(number)
        shutil.copytree(sound, folder, symlinks=True)
        for command in COMMANDS:
            damage(folder, kind, content)
            shown = run(folder, command)
            where = f"{command}: {content!r}: {shown.output}"
            assert shown.exception is None or isinstance(shown.exception, SystemExit), where
            assert "Traceback" not in shown.output, where
            errors = [line for line in shown.output.splitlines() if line.startswith("error: ")]
            if errors:
                assert "hint: " in shown.output, where
