"""ONNX Runtime sessions, configured for workers that share a machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.cores import available_cores

if TYPE_CHECKING:
    import onnxruntime

Model: TypeAlias = bytes | Path
"""An ONNX model: serialized, or the path of a file, which is read without a copy of all of it."""

_LOG_ERRORS_ONLY = 3


def open_session(model: Model, threads: int | None) -> onnxruntime.InferenceSession:
    """Load a model.

    Args:
        model: The ONNX model.
        threads: Number of threads per network run; None for all cores of this process.
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
    # Threads that spin between runs would compete with the decoding of the next photo.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
