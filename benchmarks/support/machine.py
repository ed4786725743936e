"""Facts about the machine, and pinning to one core."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import dlib

PACKAGES = ("dlib-bin", "dlib", "onnxruntime", "numpy", "pillow", "face-recognition", "faiss-cpu")


def machine() -> dict[str, Any]:
    """Return facts that results depend on, for tables and JSON."""
    facts: dict[str, Any] = {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    facts["dlib with BLAS"] = dlib.DLIB_USE_BLAS
    return facts


def processor() -> str:
    """Return the processor's name if the system provides it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def use_one_core() -> None:
    """Pin this process and its libraries' threads to one core; call this before any work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
