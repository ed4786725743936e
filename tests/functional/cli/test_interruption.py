"""Ctrl-C in mid-job, as a terminal sends it: to all processes at once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from facerec.jobs.local.jobs import LocalJobs
from facerec.testing.engine import fake_photo
from tests.support.job_doors import use_fake_engine

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = 300

PROGRAM = """
import facerec.engine.describe.version
import facerec.factory.engines
import facerec.factory.local
from facerec.cli.main import main
from facerec.testing.engine import FakeEngine
from tests.support.fake_worker import slow_worker

facerec.factory.local._build_worker = slow_worker
facerec.factory.engines.open_local_engine = lambda *_: FakeEngine()
facerec.engine.describe.version.model_version = lambda *_: FakeEngine().model_version
main()
"""
"""The command line with the fake engine, which takes its time."""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Write a manifest of many photos, all different and without a face."""
    for number in range(PHOTOS):
        (tmp_path / f"{number:03d}.jpg").write_bytes(fake_photo(note=str(number)))
    path = tmp_path / "manifest.txt"
    path.write_text("".join(f"{number:03d}.jpg\n" for number in range(PHOTOS)))
    return path


def accept_interrupts() -> None:
    """Let Ctrl-C reach a process, also where the tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_job_resumes_where_it_was(manifest: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    words = ["index", str(manifest), "--collection", "plain", "--workers", "2"]
    command = [sys.executable, "-c", PROGRAM, *words, "--data", str(data)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=accept_interrupts,
    )
    while running.poll() is None and not list(data.glob("jobs/*/ledger/*/*.jsonl")):
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said.decode()
    assert re.search(rb"stopping: waiting .*resumes the job", said, re.DOTALL)
    assert b"Traceback" not in said
    before = sum(
        len(part.read_text().splitlines()) for part in data.glob("jobs/*/ledger/*/*.jsonl")
    )
    assert before > 0

    done = subprocess.run(
        [*command, "--json"], env=environment, capture_output=True, timeout=200, check=True
    )
    report = json.loads(done.stdout)
    assert report["photos"] == PHOTOS
    assert report["outcomes"] == {"NO_FACE": PHOTOS}


def test_a_third_ctrl_c_does_not_wait_for_a_run_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    waiting: list[LocalJobs] = []

    def interrupt(jobs: LocalJobs, *_: object) -> NoReturn:
        waiting.append(jobs)
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalJobs, "wait", interrupt)
    monkeypatch.setattr(LocalJobs, "cancel", lambda *_: None)
    (tmp_path / "ann.jpg").write_bytes(fake_photo(note="ann"))
    words = ["index", str(tmp_path / "ann.jpg"), "--collection", "staff", "--workers", "1"]
    result = CliRunner().invoke(main, [*words, "--data", str(tmp_path / "data")])
    waiting[0].close()
    assert len(waiting) == 3
    assert result.exit_code == 130
    *_, error = result.stderr.splitlines()
    assert result.stderr.count("stopping: ") == 2
    assert error == "error: interrupted"
