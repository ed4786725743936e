"""ONNX Runtime, set up for workers that share a machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_LOG_ERRORS_ONLY = 3

CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""Quota and period of this process's control group."""


def open_session(model: bytes, threads: int | None) -> onnxruntime.InferenceSession:
    """Load a model.

    Args:
        model: a serialized ONNX model.
        threads: how many threads one run may use; None for all cores of this process.
    """
    # The wheels of ONNX Runtime 1.32 report their use to Microsoft, from import on, unless they are
    # told not to. Nothing of what a face service does is for anybody else.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    # The arena keeps the largest buffers it ever handed out, for every size of photo again.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that spin between runs would take the cores that decode the next photo.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def available_cores(cpu_limit: Path = CPU_LIMIT) -> int:
    """Return how many cores this process may use, at least 1.

    That is those it is kept to, or the whole cores of its control group's quota if fewer: more
    threads than those would only be stopped in turns. AWS Batch sets no quota on EC2 but shares,
    so that a container there sees all cores of its machine: its job definition says how many are
    its own (FACEREC_THREADS).

    Args:
        cpu_limit: the file that holds quota and period in microseconds
            (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:
        quota, period = cpu_limit.read_text("ascii").split()
        return min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        # No control groups of version 2, or the quota is "max".
        return cores
