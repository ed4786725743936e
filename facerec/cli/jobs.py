"""`facerec jobs`: start and manage jobs, on this machine or in a stack on AWS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from facerec.cli.job_options import job_options
from facerec.cli.job_preview import preview
from facerec.cli.job_progress import print_job, print_jobs
from facerec.cli.job_services import open_jobs
from facerec.cli.job_watching import print_job_report, watch_job
from facerec.cli.local_run import run_here
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, count, print_json
from facerec.cli.reports import print_failed_rows
from facerec.core.limits import DEFAULT_JOBS, MAX_IMAGES_PER_CHILD, MAX_JOBS
from facerec.errors import InvalidInputError

Command = TypeVar("Command", bound=Callable[..., Any])

stack_option = click.option(
    "--stack",
    envvar="FACEREC_STACK",
    show_envvar=True,
    metavar="NAME",
    help="CloudFormation stack on AWS whose jobs to use (default: the jobs of this machine).",
)
interval_option = click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Seconds between refreshes (default: 10 for a stack, 0.5 on this machine).",
)


def _service_options(command: Command) -> Command:
    return stack_option(data_option(command))


@click.group()
def jobs() -> None:
    """Start, list, watch, report, cancel and delete jobs.

    With --stack NAME, or FACEREC_STACK in the environment, the jobs are those of a stack on AWS,
    reached with the usual AWS credentials; otherwise those of this machine. JOB is the id of a
    job, the path of a job folder on this machine, or `latest`.
    """


@jobs.command()
@click.argument("manifest")
@collection_option
@_service_options
@click.option(
    "--wait",
    is_flag=True,
    help="Watch the job until it ends; implied without --stack.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the plan and the duration, on AWS also the cost, without starting the job.",
)
@click.option(
    "--photos-per-child",
    "images_per_child",
    type=click.IntRange(1, MAX_IMAGES_PER_CHILD),
    metavar="N",
    help="Photos per child (default: a few minutes' work).",
)
@click.option(
    "--photos-per-second",
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    help="Photos per second that one vCPU indexes, for --dry-run; `facerec estimate` measures it.",
)
@interval_option
@job_options
@json_option
def start(
    manifest: str,
    collection: str,
    stack: str | None,
    data: Path | None,
    wait: bool,
    dry_run: bool,
    images_per_child: int | None,
    photos_per_second: float | None,
    interval: float | None,
    job_fields: dict[str, Any],
    as_json: bool,
) -> None:
    """Start a job that indexes the photos that MANIFEST names.

    On AWS MANIFEST is an s3:// address: of a manifest, of an S3 Inventory's manifest.json, or of a
    prefix with its final /. The collection is created if it does not exist. Without a stack the
    job runs in the foreground, as with `facerec index`.

    \b
    Examples:
      facerec jobs start s3://bucket/manifest.jsonl --collection staff --stack facerec --dry-run
      facerec jobs start s3://bucket/photos/ --collection staff --stack facerec --wait
    """
    document: dict[str, Any] = {
        "collection_id": collection,
        "manifest": manifest,
        **job_fields,
    }
    if images_per_child is not None:
        document["images_per_child"] = images_per_child
    if stack is None and images_per_child is not None:
        raise InvalidInputError("--photos-per-child only applies to AWS jobs", "add --stack NAME")
    if dry_run:
        preview(document, stack, data, photos_per_second, as_json=as_json)
    elif stack is None:
        run_here(document, data, interval=interval, as_json=as_json)
    else:
        shown = open_jobs(stack, data)
        job = shown.service.submit(document)
        click.echo(f"started {job.id}", err=as_json)
        if wait:
            watch_job(shown, job, interval, as_json=as_json)
        elif as_json:
            print_json(job.to_json())
        else:
            click.echo(f"watch it with: facerec jobs watch {job.id} --stack {stack}")


@jobs.command("list")
@_service_options
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_JOBS),
    default=DEFAULT_JOBS,
    show_default=True,
    metavar="N",
    help="Number of jobs to show.",
)
@json_option
def list_command(stack: str | None, data: Path | None, limit: int, as_json: bool) -> None:
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
        console().print("no jobs yet; `facerec jobs start` starts one")


@jobs.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@_service_options
@json_option
def status(job_id: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """Show the status of JOB: photos, rate, time left, children, interruptions, cost.

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


@jobs.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@_service_options
@interval_option
@json_option
def watch(
    job_id: str, stack: str | None, data: Path | None, interval: float | None, as_json: bool
) -> None:
    """Watch JOB until it ends, then show its report.

    Ctrl-C only stops the watching. The exit code is that of the job: 0, 7 if more photos failed
    than tolerated, 1 if it is incomplete or cancelled.

    \b
    Example:
      facerec jobs watch --stack facerec
    """
    shown = open_jobs(stack, data)
    watch_job(shown, shown.service.get(job_id), interval, as_json=as_json)


@jobs.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@_service_options
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
        print_failed_rows(shown.service.failures(job), as_json=as_json)
    else:
        print_job_report(shown.service.report(job), as_json=as_json)


@jobs.command()
@click.argument("job_id", metavar="[JOB]", default="latest")
@_service_options
@json_option
def failures(job_id: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """List everything that failed in JOB, from its ledger; with --json one JSON line each.

    \b
    Example:
      facerec jobs failures latest --stack facerec --json > failed.jsonl
    """
    shown = open_jobs(stack, data)
    print_failed_rows(shown.service.failures(shown.service.get(job_id)), as_json=as_json)


@jobs.command()
@click.argument("job_id", metavar="JOB")
@_service_options
def cancel(job_id: str, stack: str | None, data: Path | None) -> None:
    """Cancel JOB; what is done is kept, and starting the job again resumes it.

    \b
    Example:
      facerec jobs cancel latest --stack facerec
    """
    service = open_jobs(stack, data).service
    job = service.get(job_id)
    service.cancel(job)
    click.echo(f"cancelled {job.id}; start it again with the same manifest to resume it")


@jobs.command()
@click.argument("job_id", metavar="JOB")
@_service_options
@click.option("--yes", is_flag=True, help="Delete without asking for confirmation.")
@json_option
def delete(job_id: str, stack: str | None, data: Path | None, yes: bool, as_json: bool) -> None:
    """Delete the folder of JOB: its ledger, report, manifest and embeddings.

    The faces stay in the collection. `facerec rebuild` and `facerec verify --repair` can no longer
    restore those that this job has indexed, if the database is lost. A running job is refused. A
    folder that is damaged or that another release wrote is deleted too.

    \b
    Example:
      facerec jobs delete staff-3f2a9b1c0d4e --yes
    """
    shown = open_jobs(stack, data)
    job = shown.service.get(job_id, readable=False)
    folder = job.required_folder()
    if not yes:
        rows = "its ledger" if job.photos is None else f"a ledger of {count(job.photos, 'photo')}"
        faces = "" if job.faces is None else f" and the embeddings of {count(job.faces, 'face')}"
        click.echo(
            f"this removes {rows}{faces} from {folder}; `facerec rebuild` needs the embeddings",
            err=True,
        )
        click.confirm(f"delete job {job.id} for good?", abort=True, err=True)
    files = shown.service.delete(job)
    if as_json:
        print_json({"job_id": job.id, "job_folder": folder, "files": files})
    else:
        click.echo(f"job {job.id} deleted: {count(files, 'file')}")
