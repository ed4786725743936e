"""Watches running jobs, and a folder whose changes arrive as messages."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

from facerec.config import Settings, read_settings, required_setting
from facerec.jobs.aws.batch_queue import BatchQueue
from facerec.jobs.aws.executions import Executions
from facerec.jobs.aws.folder_changes import FolderChanges, WatchedFolder
from facerec.jobs.aws.log import logger
from facerec.jobs.aws.metrics import metrics
from facerec.jobs.aws.start_problems import find_start_problems, open_clients
from facerec.jobs.aws.watching import watch_jobs
from facerec.storage.objects import Objects


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Check the running jobs, and end those that start no child in time.

    Then start a job if the watched folder has changed. Messages from the queue that collects these
    changes are only recorded.

    Args:
        event: An event of the schedule, or the messages of the queue in ``Records``.

    Returns:
        ``executions`` and ``running``, counts that become metrics while any job runs; ``ended``,
        the reasons of the jobs that were ended; and ``started``, the name of the job of the watched
        folder, or None. For messages, ``changes``, their number.

    Raises:
        FacerecError: A service cannot be queried, or a setting of the function is missing or wrong.
            The error of a single job is raised at the end.
    """
    settings = read_settings(os.environ)
    if "Records" in event:
        FolderChanges(Objects(), settings.changes_root).note()
        return {"changes": len(event["Records"])}
    queue = required_setting(settings.job_queue, "JOB_QUEUE_ARN")
    machine = required_setting(settings.state_machine, "STATE_MACHINE_ARN")
    executions = Executions(machine)
    watched = watch_jobs(
        executions,
        BatchQueue(queue),
        partial(find_start_problems, queue, open_clients(), child_vcpus=settings.child_vcpus),
        start_timeout=60.0 * settings.start_timeout,
        now=time.time(),
    )
    for reason in watched.ended:
        logger().warning("ended", reason=reason)
    if watched.executions:
        metrics().add_metric(name="RunningChildren", unit="Count", value=watched.running)
        metrics().flush_metrics()
    started = _start_job(settings, executions)
    if watched.errors:
        raise watched.errors[0]
    return {
        "executions": watched.executions,
        "running": watched.running,
        "ended": list(watched.ended),
        "started": started,
    }


def _start_job(settings: Settings, executions: Executions) -> str | None:
    """Start a job if the watched folder has changed; return its name."""
    if settings.watched_folder is None:
        return None
    collection_id = required_setting(settings.watched_collection, "WATCHED_COLLECTION")
    folder = WatchedFolder(
        settings.watched_folder,
        collection_id,
        settings.watched_deletions,
        settings.watched_prune_limit,
    )
    changes = FolderChanges(Objects(), settings.changes_root)
    started = changes.start_job(folder, executions, now=time.time())
    if started is not None:
        logger().info("started a job of the watched folder", execution=started)
    return started
