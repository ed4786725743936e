"""A job whose folder no longer answers says so, and ends; the same command resumes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from facerec.testing.engine import fake_photo
from tests.functional.cli.test_interruption import PROGRAM, ROOT, accept_interrupts
from tests.support.long import mostly_long_rows, rarely_short

HANGING = """
import os, sys, threading, time
from pathlib import Path
import facerec.cli.interruption
import facerec.cli.local_run
from facerec.core import answering
from facerec.storage.objects.local import LocalObjects

seconds, after, data = float(sys.argv.pop(1)), sys.argv.pop(1), Path(sys.argv[-1])
LocalObjects.__init__.__kwdefaults__["max_write_seconds"] = seconds
answering.SETTLING_SECONDS = 1
facerec.cli.local_run.MAX_STOPPING_SECONDS = 3
facerec.cli.interruption.THREADS_SECONDS = 1
fsync = os.fsync

def hang(descriptor):
    if not after or any(data.glob(after)):
        Path(data.parent, "hangs").touch()
        time.sleep(1000)
    fsync(descriptor)

os.fsync = hang
"""
"""Lets writes of this process hang, but not those of its workers, once a file exists."""

MOMENTS = {"planning": "", "run": "jobs/*/ledger/*/*.jsonl"}


def start(folder: Path, seconds: float, moment: str) -> subprocess.Popen[str]:
    (folder / "photos").mkdir()
    for number in range(30):
        (folder / "photos" / f"{number}.jpg").write_bytes(fake_photo(note=str(number)))
    (folder / "data").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", HANGING + PROGRAM, str(seconds), MOMENTS[moment], *words(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=accept_interrupts,
    )


def words(folder: Path) -> list[str]:
    options = ("--collection", "plain", "--workers", "1", "--data", str(folder / "data"))
    return ["index", str(folder / "photos"), *options]


def assert_resumed(folder: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, *words(folder), "--json"]
    result = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    assert json.loads(result.stdout)["outcomes"] == {"NO_FACE": 30}


@pytest.mark.timeout(100)
@pytest.mark.parametrize("moment", rarely_short(MOMENTS, "run"))
def test_a_job_names_the_folder_that_does_not_answer_and_is_resumed(
    tmp_path: Path, moment: str
) -> None:
    running = start(tmp_path, 1.5, moment)
    _, said = running.communicate(timeout=40)
    assert running.returncode == 1, said
    assert f"the folder {tmp_path / 'data'}" in said
    assert "does not answer" in said
    assert "Traceback" not in said
    assert_resumed(tmp_path)


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    ("moment", "number"),
    mostly_long_rows(product(reversed(MOMENTS), (signal.SIGTERM, signal.SIGINT)), 1),
)
def test_a_signal_ends_a_job_whose_folder_does_not_answer(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    running = start(tmp_path, 1000, moment)
    while running.poll() is None and not (tmp_path / "hangs").exists():
        time.sleep(0.02)
    sent = time.monotonic()
    running.send_signal(number)
    _, said = running.communicate(timeout=40)
    assert running.returncode == 130, said
    assert time.monotonic() - sent < 15
    assert "Traceback" not in said
    assert_resumed(tmp_path)
