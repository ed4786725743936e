"""The command line as tests use it: in this process, or as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import Result

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FACEREC = (sys.executable, "-m", "facerec.cli.main")

Facerec = Callable[..., Result]
"""Runs a command on the data folder of the test."""


def document(result: Result) -> Any:  # noqa: ANN401
    """Return the JSON that a command printed."""
    return json.loads(result.stdout)


@contextmanager
def serving(
    data: Path, *options: str, program: tuple[str, ...] = ()
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a server on a free port; yield its address and its process."""
    command = program or (*FACEREC, "serve", "--port", "0", "--data", str(data), *options)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("facerec serves http://"), line + process.stderr.read()
        yield line.split()[-1], process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)
