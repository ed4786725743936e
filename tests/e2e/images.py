"""The two images as they are shipped: built from the Dockerfile, run in their own file systems."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.machine import CREDENTIALS, ROOT
from tools.images import CannotBuildError, are_built, require_tools

REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
BATCH_IMAGE = f"{REGISTRY}/facerec-batch:e2e"
API_IMAGE = f"{REGISTRY}/facerec-api:e2e"

FOLDER = ROOT / "build" / "images"

ENTER = (
    "unshare",
    "--mount",
    "--propagation",
    "private",
    str(ROOT / "tests/e2e/emulator/enter.sh"),
)


def built_images(network: Mapping[str, str]) -> dict[str, Any]:
    """Return both images, or skip the test on a machine that cannot build them.

    Args:
        network: Variables that lead to services in the place of those of the internet, and values
            of variables that name such services, with what takes their place.

    Returns:
        By their addresses, what the emulator is to know of them.
    """
    try:
        require_tools()
    except CannotBuildError as error:
        pytest.skip(f"images cannot be built here: {error}")
    assert are_built(FOLDER), "the images are not built: run `make images`"
    return {
        BATCH_IMAGE: _described("batch", network),
        API_IMAGE: _described("api", network),
    }


def configuration(target: str) -> dict[str, Any]:
    """Return the configuration of a built image, as of the OCI's specification."""
    found: dict[str, Any] = json.loads((FOLDER / f"{target}.json").read_text("utf-8"))
    return found


def enter(target: str) -> list[str]:
    """Return what runs a command in the file system of an image, as its user."""
    image = configuration(target)
    return [*ENTER, str(FOLDER / target), image["User"], image["WorkingDir"]]


def image_environment(target: str) -> dict[str, str]:
    """Return the variables that an image sets."""
    return dict(each.split("=", 1) for each in configuration(target)["Env"])


def _described(target: str, network: Mapping[str, str]) -> dict[str, Any]:
    image = configuration(target)
    return {
        "command": [*enter(target), *image["Entrypoint"], *image.get("Cmd", ())],
        "environment": {
            **image_environment(target),
            **CREDENTIALS,
            **network,
            # Each stands for a machine of one vCPU, and several run on this one.
            "OMP_NUM_THREADS": "1",
        },
        "folder": "/",
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "labels": image.get("Labels") or {},
    }
