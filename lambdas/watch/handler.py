"""Watches running jobs on a schedule."""

from __future__ import annotations

import os
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from facerec.config import read_settings, required_setting
from facerec.jobs.aws.batch_queue import BatchQueue
from facerec.jobs.aws.executions import Executions
from facerec.jobs.aws.log import logger
from facerec.jobs.aws.start_problems import find_start_problems, open_clients
from facerec.jobs.aws.watching import watch_jobs

if TYPE_CHECKING:
    from aws_lambda_powertools.metrics import Metrics


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Look at all running jobs, and end those of which no child has started in time.

    Returns:
        ``executions`` and ``running``, which are counted as metrics while any job runs, and
        ``ended``, the reasons of the jobs that were ended.

    Raises:
        FacerecError: a service cannot be asked.
    """
    settings = read_settings(os.environ)
    queue = required_setting(settings.job_queue, "JOB_QUEUE_ARN")
    machine = required_setting(settings.state_machine, "STATE_MACHINE_ARN")
    watched = watch_jobs(
        Executions(machine),
        BatchQueue(queue),
        partial(find_start_problems, queue, open_clients(), child_vcpus=settings.child_vcpus),
        start_timeout=60.0 * settings.start_timeout,
        now=time.time(),
    )
    for reason in watched.ended:
        logger().warning("ended", reason=reason)
    if watched.executions:
        metrics = _metrics()
        metrics.add_metric(name="RunningChildren", unit="Count", value=watched.running)
        metrics.flush_metrics()
    return {
        "executions": watched.executions,
        "running": watched.running,
        "ended": list(watched.ended),
    }


@cache
def _metrics() -> Metrics:
    from aws_lambda_powertools.metrics import Metrics

    return Metrics(namespace="Facerec")
