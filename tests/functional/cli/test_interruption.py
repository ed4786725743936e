"""Ctrl-C in mid-job, as a terminal sends it: to all processes at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

PHOTOS = 300


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Write a manifest of many small photos, all different and without a face."""
    for number in range(PHOTOS):
        colour = (number % 256, number // 256, 90)
        Image.new("RGB", (160, 160), colour).save(tmp_path / f"{number:03d}.png")
    path = tmp_path / "manifest.txt"
    path.write_text("".join(f"{number:03d}.png\n" for number in range(PHOTOS)))
    return path


def accept_interrupts() -> None:
    """Let Ctrl-C reach a process, also where the tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_job_resumes_where_it_was(manifest: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    words = ["index", str(manifest), "--collection", "plain", "--workers", "2"]
    command = [sys.executable, "-m", "facerec.cli.main", *words, "--data", str(data)]
    running = subprocess.Popen(
        command,
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
    assert b"resumes the job" in said
    assert b"Traceback" not in said
    before = sum(
        len(part.read_text().splitlines()) for part in data.glob("jobs/*/ledger/*/*.jsonl")
    )
    assert before > 0

    done = subprocess.run([*command, "--json"], capture_output=True, timeout=200, check=True)
    report = json.loads(done.stdout)
    assert report["photos"] == PHOTOS
    assert report["outcomes"] == {"NO_FACE": PHOTOS}
