"""How many cores a container may use."""

from __future__ import annotations

from pathlib import Path

from facerec.vision.runtime import available_cores

_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cpu_limit: Path = _CPU_LIMIT) -> int:
    """Return the cores of the process, or the whole cores of its control group's quota if fewer.

    AWS Batch sets no quota on EC2 but shares, so that a container there sees all cores of its
    machine: the job definition says how many are its own (FACEREC_THREADS).

    Args:
        cpu_limit: the file that holds quota and period in microseconds
            (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
    """
    cores = available_cores()
    try:
        quota, period = cpu_limit.read_text("ascii").split()
        return min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        # No control groups of version 2, or the quota is "max".
        return cores
