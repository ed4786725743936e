"""Determines how many processor cores this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
"""Folder where the control groups of version 2, or the controllers of version 1, are mounted."""

_OWN_GROUPS = Path("/proc/self/cgroup")


def available_cores(groups: Path = CONTROL_GROUPS, own: Path = _OWN_GROUPS) -> int:
    """Return the number of cores this process may use, at least 1.

    This is its CPU affinity, or the whole cores of the smallest CPU quota of its control groups if
    that is less: more threads would only be throttled. AWS Batch on EC2 sets CPU shares instead of
    a quota, so a container sees all cores of its machine; its job definition sets FACEREC_THREADS.

    Args:
        groups: Folder where the control groups are mounted.
        own: File with the control groups of this process
            (https://man7.org/linux/man-pages/man7/cgroups.7.html).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas(groups, own)]))


def _quotas(groups: Path, own: Path) -> Iterator[int]:
    """Yield the quotas of the control groups of this process, in whole cores."""
    for folder in dict.fromkeys(_folders(groups, own)):
        # A missing quota, or the value "max" (-1 in version 1), means no limit.
        with suppress(OSError, ValueError):
            # https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
            quota, period = (folder / "cpu.max").read_text("ascii").split()
            yield int(quota) // int(period)
        with suppress(OSError, ValueError):
            # https://docs.kernel.org/scheduler/sched-bwc.html
            limit = int((folder / "cpu.cfs_quota_us").read_text("ascii"))
            if limit > 0:
                yield limit // int((folder / "cpu.cfs_period_us").read_text("ascii"))


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """Yield the folders of this process's groups and their parents, which may contain quotas.

    In a container, these are usually the folders at which the groups are mounted.
    """
    mounts = {"": groups, "cpu": groups / "cpu"}
    yield from mounts.values()
    try:
        lines = own.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in {"", "cpu"}.intersection(controllers.split(",")):
            folder = mounts[controller] / path.strip("/")
            while folder != mounts[controller] and ".." not in folder.parts:
                yield folder
                folder = folder.parent
