"""The runtime of the networks keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os
from facerec.engine.dlib.models import detector_model
from facerec.engine.dlib.sessions import open_session
open_session(detector_model(), 1)
"""


def test_opening_a_network_leaves_no_record_of_its_use(tmp_path: Path) -> None:
    told = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    cache = {"FACEREC_CACHE": str(tmp_path / "facerec")}
    subprocess.run([sys.executable, "-c", PROGRAM], env={**told, **home, **cache}, check=True)

    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not [name for name in kept if "onnxruntime" in name], kept
