"""The commands of `facerec jobs` that show, watch, cancel and delete jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.job_progress import print_job, print_jobs
from facerec.cli.job_service_options import interval_option, service_options
from facerec.cli.job_watching import print_job_report, watch_job
from facerec.cli.machine_or_stack import here
from facerec.cli.options import json_option, limit_option, yes_option
from facerec.cli.output import confirm, console, print_json, say
from facerec.cli.reports import print_failed_rows
from facerec.cli.services import open_jobs
from facerec.core.counts import count
from facerec.core.limits import DEFAULT_JOBS, MAX_JOBS

if TYPE_CHECKING:
    from facerec.cli.services import ShownJobs
    from facerec.jobs.service import Job


@click.command("list")
@service_options
@limit_option("jobs", DEFAULT_JOBS, MAX_JOBS)
@json_option
def list_(stack: str | None, data: Path | None, limit: int, as_json: bool) -> None:
    """List jobs, newest first.

    A job whose folder is missing, or was written by another release, has the status UNREADABLE.

    \b
    Examples:
      facerec jobs list
      facerec jobs list --stack facerec
    """
    found = open_jobs(stack, data).service.list(limit)
    if as_json:
        print_json({"jobs": [job.to_json() for job in found]})
    elif found:
        print_jobs(found)
    else:
        console().print(here("no jobs yet; `facerec jobs start` starts one"))


@click.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@service_options
@json_option
def status(job_id: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """Show the status of JOB.

    This includes photos, rate, time left, children and interruptions, and on AWS the cost.

    \b
    Example:
      facerec jobs status latest --stack facerec
    """
    shown = open_jobs(stack, data)
    job = shown.service.get(job_id)
    progress = shown.progress(job)
    if as_json:
        print_json(shown.to_json(job, progress))
    else:
        print_job(shown, job, progress)


@click.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@service_options
@interval_option
@json_option
def watch(
    job_id: str, stack: str | None, data: Path | None, interval: float | None, as_json: bool
) -> None:
    """Watch JOB until it ends, then show its report.

    Ctrl-C stops watching; the job keeps running. The exit code is that of the job: 0, 7 if more
    photos failed than tolerated, 1 if it is incomplete or cancelled, or if faces remain lost
    because their photos were not read again.

    \b
    Example:
      facerec jobs watch --stack facerec
    """
    shown = open_jobs(stack, data)
    watch_job(shown, shown.service.get(job_id), interval, as_json=as_json)


@click.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@service_options
@click.option("--failures", is_flag=True, help="The same as `facerec jobs failures`.")
@json_option
def report(
    job_id: str, stack: str | None, data: Path | None, failures: bool, as_json: bool
) -> None:
    """Show the report of JOB.

    \b
    Examples:
      facerec jobs report latest
      facerec jobs report staff-20261122-101500-3f2a9b1c0d4e5f60 --stack facerec
    """
    shown = open_jobs(stack, data)
    job = shown.service.get(job_id)
    if failures:
        _print_failures(shown, job, as_json=as_json)
    else:
        print_job_report(shown.service.report(job), as_json=as_json)


@click.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@service_options
@json_option
def failures(job_id: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """List the photos and manifest lines that failed in JOB.

    The rows are those of the job's ledger; with --json, each row is one line of JSON.

    \b
    Example:
      facerec jobs failures latest --stack facerec --json > failed.jsonl
    """
    shown = open_jobs(stack, data)
    _print_failures(shown, shown.service.get(job_id), as_json=as_json)


def _print_failures(shown: ShownJobs, job: Job, *, as_json: bool) -> None:
    found = None if job.plan is None else job.plan.difference
    failed_before = 0 if found is None else found.failed
    print_failed_rows(shown.service.failures(job), failed_before=failed_before, as_json=as_json)


@click.command()
@click.argument("job_id", metavar="JOB")
@service_options
@json_option
def cancel(job_id: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """Cancel JOB; finished work is kept.

    Starting the job again resumes it. On this machine, photos in progress are finished first.

    \b
    Example:
      facerec jobs cancel latest --stack facerec
    """
    service = open_jobs(stack, data).service
    job = service.get(job_id)
    service.cancel(job)
    cancelled = service.get(job.id)
    if as_json:
        print_json(cancelled.to_json())
    elif cancelled.status.ended:
        say(f"{job.id} is cancelled; start it again with the same manifest to resume it")
    else:
        say(
            f"{job.id} is being cancelled: the photos in progress are finished first;"
            " afterwards, start it again with the same manifest to resume it"
        )


@click.command()
@click.argument("job_id", metavar="JOB")
@service_options
@yes_option
@json_option
def delete(job_id: str, stack: str | None, data: Path | None, yes: bool, as_json: bool) -> None:
    """Delete the folder of JOB: its ledger, report, manifest and embeddings.

    The faces stay in the collection. If the database is lost later, the faces that this job indexed
    can no longer be restored by `facerec rebuild` and `facerec verify --repair`. A running job is
    not deleted. A folder that is damaged or that another release wrote is deleted too. A folder
    that was chosen with --job-folder is found by a note; if the note is damaged, only the note is
    deleted.

    \b
    Example:
      facerec jobs delete staff-3f2a9b1c0d4e --yes
    """
    from facerec.jobs.folders import DAMAGED_NOTE

    shown = open_jobs(stack, data)
    job = shown.service.get(job_id, readable=False)
    folder = job.required_folder()
    if job.cause == DAMAGED_NOTE:
        say(f"{job.cause}: if it named another folder, delete that folder too", err=True)
    if not yes:
        rows = "its ledger" if job.photos is None else f"a ledger of {count(job.photos, 'photo')}"
        faces = "" if job.faces is None else f" and the embeddings of {count(job.faces, 'face')}"
        needed = here("`facerec rebuild` needs the embeddings")
        say(f"this removes {rows}{faces} from {folder}; {needed}", err=True)
        confirm(f"delete job {job.id} for good?")
    files = shown.service.delete(job)
    if as_json:
        print_json({"job_id": job.id, "job_folder": folder, "files": files})
    else:
        say(f"job {job.id} deleted: {count(files, 'file')}")
