"""`facerec index`: index photos on this machine."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import ExitCode
from facerec.cli.job_options import job_options
from facerec.cli.job_progress import progress_display
from facerec.cli.job_services import ShownJobs
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, count, print_json
from facerec.cli.reports import print_report
from facerec.errors import JobNotFoundError
from facerec.factory import open_local_jobs
from facerec.jobs.local.jobs import LocalJobs
from facerec.jobs.local.supervisor import RunResult
from facerec.jobs.progress import Progress
from facerec.jobs.service import Job, wait_for_job
from facerec.jobs.status import JobStatus

INTERVAL = 0.5
"""Seconds between two polls of a running job."""


@click.command()
@click.argument("source")
@collection_option
@data_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Number of worker processes (default: one per core).",
)
@job_options
@click.option(
    "--job",
    "job_folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder for the job's ledger, embeddings and report (default: in the data folder).",
)
@json_option
def index(
    source: str,
    collection: str,
    data: Path | None,
    workers: int | None,
    job_fields: dict[str, Any],
    job_folder: Path | None,
    as_json: bool,
) -> None:
    """Index the faces of photos into a collection.

    SOURCE is a manifest (JSON lines, CSV or plain addresses, also gzipped), a photo, a folder, or
    an s3:// address of one of these. The collection is created if it does not exist. The same
    command resumes an interrupted run; photos that are indexed already are not processed again.
    Faces that the collection has lost since are restored, unless they were deleted on purpose. A
    failed photo is processed again once it has changed.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec index members/ --collection club --person-from folder --exclude '*.cr2'
      facerec index manifest.jsonl --collection staff --workers 4 --max-faces 1
      facerec index s3://bucket/visitors/ --collection visitors --json
    """
    document = {"collection_id": collection, "manifest": source, **job_fields}
    run_here(document, data, workers=workers, job_folder=job_folder, as_json=as_json)


def run_here(
    document: dict[str, Any],
    data: Path | None,
    *,
    workers: int | None = None,
    job_folder: Path | None = None,
    as_json: bool,
) -> None:
    """Run a job on this machine, show its progress and print its report.

    Args:
        document: the execution input.
        data: folder of faces and jobs; None for the user's data folder.
        workers: number of worker processes; None for one per core.
        job_folder: the job's own folder; None for one in the data folder.
        as_json: print JSON.

    Raises:
        SystemExit: the job was interrupted, is incomplete, or too many photos failed.
    """
    jobs = open_local_jobs(data_folder(data), workers=workers)
    folder = f"{job_folder.absolute()}/" if job_folder else None
    job = jobs.submit(document, job_folder=folder)
    plan = job.required_plan()
    about = "" if plan.exact else "about "
    photos = count(plan.estimated_photos, "photo")
    console(stderr=True).print(f"Indexing {about}{photos} into collection {plan.collection_id} ...")
    # A supervisor that ends this process with SIGTERM means the same as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with progress_display(ShownJobs(jobs)) as show:
        job = _wait(jobs, job, show)
    result = jobs.result(job)
    jobs.close()
    report = jobs.report(job)
    if as_json:
        print_json(report.to_json())
    else:
        nothing_new = result.new_photos == 0 and not result.stopped
        print_report(report, nothing_new=nothing_new, verification=result.verification)
    _exit(job, result)


def _wait(jobs: LocalJobs, job: Job, show: Callable[[Job, Progress | None], None]) -> Job:
    """Wait for the end of a job. Ctrl-C cancels it; a second Ctrl-C kills its workers."""

    def sleep(seconds: float) -> None:
        jobs.wait(job, seconds)

    while True:
        try:
            return wait_for_job(jobs, job, interval=INTERVAL, show=show, sleep=sleep)
        except KeyboardInterrupt:
            jobs.cancel(job)
        except JobNotFoundError:
            # It was deleted while it ran; its own error says more.
            jobs.result(job)
            raise


def _exit(job: Job, result: RunResult) -> None:
    if result.stopped:
        click.echo("interrupted; the same command resumes the job", err=True)
        raise SystemExit(ExitCode.INTERRUPTED)
    for child, cause in result.lost.items():
        click.echo(f"error: child {child} was given up: {cause}", err=True)
    if job.status is JobStatus.FAILED:
        raise SystemExit(ExitCode.TOO_MANY_FAILURES)
    if job.status is JobStatus.INCOMPLETE:
        raise SystemExit(ExitCode.ERROR)
