"""ONNX Runtime sessions, configured for workers that share a machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import onnxruntime

Model: TypeAlias = bytes | Path
"""An ONNX model: serialized, or the path of a file, which is read without a copy of all of it."""

_LOG_ERRORS_ONLY = 3

CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""File with the CPU quota and period of this process's control group."""


def open_session(model: Model, threads: int | None) -> onnxruntime.InferenceSession:
    """Load a model.

    Args:
        model: the ONNX model.
        threads: threads per network run; None for all cores of this process.
    """
    # The wheels of ONNX Runtime 1.32 send telemetry to Microsoft from import on unless this is set.
    # A face service must not report anything to third parties.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    # The memory arena would keep its largest buffers, for every size of photo.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that spin between runs would compete with decoding the next photo.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def available_cores(cpu_limit: Path = CPU_LIMIT) -> int:
    """Return the number of cores this process may use, at least 1.

    This is its CPU affinity, or the whole cores of its control group's quota if that is less: more
    threads would only be throttled. AWS Batch on EC2 sets CPU shares instead of a quota, so a
    container sees all cores of its machine; its job definition sets FACEREC_THREADS.

    Args:
        cpu_limit: file with quota and period in microseconds
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
        # No control groups version 2, or the quota is "max".
        return cores
