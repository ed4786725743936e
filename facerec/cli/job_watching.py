"""Watches a job until it ends, and shows its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.deferred import job_service
from facerec.cli.exit_codes import ExitCode
from facerec.cli.job_progress import progress_display
from facerec.cli.output import print_json, say
from facerec.cli.reports import print_report
from facerec.cli.verification_shown import exit_if_lost
from facerec.jobs.status import JobStatus

if TYPE_CHECKING:
    from facerec.cli.services import ShownJobs
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.service import Job


def watch_job(shown: ShownJobs, job: Job, interval: float | None, *, as_json: bool) -> None:
    """Show the progress of a job until it ends, then its report.

    Args:
        shown: The jobs.
        job: The job to watch.
        interval: Seconds between refreshes; None for the default of these jobs.
        as_json: Print JSON.

    Raises:
        SystemExit: Watching was interrupted, or the job did not succeed.
        FacerecError: See ``wait_for_job``.
    """
    try:
        with progress_display(shown) as show:
            interval = shown.interval if interval is None else interval
            job = job_service.wait_for_job(shown.service, job, interval=interval, show=show)
    except KeyboardInterrupt:
        say("stopped watching; the job is still running", err=True)
        raise SystemExit(ExitCode.INTERRUPTED) from None
    if job.report is not None:
        print_job_report(job.report, as_json=as_json)
    elif as_json:
        print_json(job.to_json())
    if job.cause:
        say(f"error: {job.cause}", fg="red", err=True)
    if job.status is JobStatus.SUCCEEDED:
        if job.run is not None:
            exit_if_lost(job.run)
        return
    too_many = job.report is not None and job.report.is_failed
    raise SystemExit(ExitCode.TOO_MANY_FAILURES if too_many else ExitCode.ERROR)


def print_job_report(report: Report, *, as_json: bool) -> None:
    """Print a report, as text or as JSON."""
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
