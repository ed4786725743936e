"""The examples of the docs, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import EXAMPLES, ROOT, serving

PHOTOS = EXAMPLES / "photos"

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_examples_of_the_docs_run(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FACEREC_DATA": str(tmp_path / "data"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    with serving(tmp_path / "data", "--bucket", f"photos={PHOTOS}") as (address, _):
        for page in ("api.md", "coming-from-rekognition.md"):
            text = (ROOT / "docs" / page).read_text("utf-8").replace(ADDRESS, address)
            blocks = BLOCK.findall(text)
            assert blocks
            for language, program in blocks:
                runner = {
                    "sh": ["bash", "-e", "-o", "pipefail", "-c"],
                    "python": [sys.executable, "-c"],
                }[language]
                ended = subprocess.run(
                    [*runner, program],
                    cwd=work,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                assert ended.returncode == 0, f"{program}\n{ended.stdout}\n{ended.stderr}"
