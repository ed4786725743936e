"""The two images as folders: what the Dockerfile copies, its environment, its entry points.

The libraries are installed from the images' own pinned requirements and the networks converted by
the command that the Dockerfile runs; only the operating system is this machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facerec.engine.dlib.weights import Weights, find_weights
from tests.e2e.machine import CONTAINER_PYTHON, CREDENTIALS, ROOT

REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
BATCH_IMAGE = f"{REGISTRY}/facerec-batch:e2e"
API_IMAGE = f"{REGISTRY}/facerec-api:e2e"

_WITHOUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def build_images(folder: Path, network: Mapping[str, str]) -> dict[str, Any]:
    """Build both images.

    Args:
        folder: takes them.
        network: variables that lead to services in the place of those of the internet.

    Returns:
        By their addresses, what the emulator is to know of them.
    """
    models, cache = _convert_weights(folder)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
        **CREDENTIALS,
        **network,
        "FACEREC_MODELS": str(models),
        "FACEREC_CACHE": str(cache),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        # Each stands for a machine of one vCPU, and several run on this one.
        "OMP_NUM_THREADS": "1",
    }
    python = str(CONTAINER_PYTHON)
    entry_points = {
        BATCH_IMAGE: ("batch_job", [python, "-m", "batch_job"]),
        API_IMAGE: ("lambdas", [python, "-m", "awslambdaric", "lambdas.api.handler.handler"]),
    }
    images = {}
    for address, (package, command) in entry_points.items():
        app = folder / package
        for copied in ("facerec", package):
            shutil.copytree(ROOT / copied, app / copied, ignore=_WITHOUT)
        images[address] = {"command": command, "environment": environment, "folder": str(app)}
    return images


def _convert_weights(folder: Path) -> tuple[Path, Path]:
    models, cache = folder / "models", folder / "cache"
    models.mkdir(parents=True)
    for weights in Weights:
        shutil.copy2(find_weights(weights), models)
    # This environment has what converts, as the Dockerfile's stage of the weights.
    subprocess.run(
        [sys.executable, "-m", "batch_job.warm_up", "examples/probe.jpg"],
        env={**os.environ, "FACEREC_MODELS": str(models), "FACEREC_CACHE": str(cache)},
        cwd=ROOT,
        check=True,
    )
    return models, cache
