"""The examples of the Python API's page and of the package's docstring, run in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import facerec

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(program: str, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, f"{program}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    printed = [run(program, tmp_path / "page") for program in BLOCK.findall(page)]
    assert printed[0].startswith("match ['barack-obama-1'")
    assert any("ASSOCIATED_TO_AN_EXISTING_USER somebody" in each for each in printed)
    assert "is not being migrated" in printed[-1]


def test_the_quick_start_of_the_package_runs(tmp_path: Path) -> None:
    _, quick_start, _ = re.split(r"Quick start:\n|\n``open_gallery``", facerec.__doc__ or "")
    assert run(textwrap.dedent(quick_start), tmp_path / "quick") == "match ['obama']\n"
