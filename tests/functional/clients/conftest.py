"""Tools in JavaScript, which ``make test`` installs where there is npm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE_MODULES = Path(".clients/node_modules").resolve()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which node finds the installed packages."""
    if shutil.which("node") is None or not NODE_MODULES.is_dir():
        pytest.skip("the clients in JavaScript are not installed: make test needs npm for them")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text("{}")
    return tmp_path


def run(folder: Path, *words: str) -> str:
    """Run an installed tool, or node; return what it prints."""
    tool = NODE_MODULES / ".bin" / words[0]
    command = [str(tool) if tool.exists() else words[0], *words[1:]]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-5000:]
    return ended.stdout
