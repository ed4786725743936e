"""`facerec jobs`: start jobs and look after them, on this machine or in a stack on AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import collection_option, data_option, json_option
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.cli.job_places import SeenJob
    from facerec.jobs.ledger.report import Report

Command = TypeVar("Command", bound=Callable[..., Any])

stack_option = click.option(
    "--stack",
    envvar="FACEREC_STACK",
    show_envvar=True,
    metavar="NAME",
    help="Jobs of this CloudFormation stack on AWS; without it, those of this machine.",
)
every_option = click.option(
    "--every",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks.",
)


def _place_options(command: Command) -> Command:
    return stack_option(data_option(command))


@click.group()
def jobs() -> None:
    """Start, list, watch, report and cancel jobs.

    With --stack NAME, or FACEREC_STACK in the environment, the jobs are those of a stack on AWS,
    reached with the usual AWS credentials; else those of this machine. JOB is a job's name or id,
    or `latest`.
    """


@jobs.command()
@click.argument("manifest")
@collection_option
@_place_options
@click.option("--wait", is_flag=True, help="Watch the job until it has ended.")
@click.option("--dry-run", is_flag=True, help="Say how many children, how long and what it costs.")
@click.option("--max-faces", type=click.IntRange(1, 100), help="Kept of a photo, the best.")
@click.option(
    "--images-per-child",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Photos of a child; by default as many as take some minutes.",
)
@click.option(
    "--tolerated-failures",
    type=click.FloatRange(0, 100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="How many of the photos may fail before the job counts as failed.",
)
@click.option(
    "--photos-per-second",
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    help="That one vCPU indexes, for --dry-run; `facerec estimate` measures it.",
)
@every_option
@json_option
@click.pass_context
def start(
    context: click.Context,
    manifest: str,
    collection: str,
    stack: str | None,
    data: Path | None,
    wait: bool,
    dry_run: bool,
    max_faces: int | None,
    images_per_child: int | None,
    tolerated_failures: float,
    photos_per_second: float | None,
    every: float,
    as_json: bool,
) -> None:
    """Start a job that indexes the photos that MANIFEST names.

    On AWS MANIFEST is an s3:// address: of a manifest, of an S3 Inventory's manifest.json, or of a
    prefix with its final /. The collection is made if it does not exist. Without a stack the job
    runs here and now, as `facerec index` does.

    \b
    Examples:
      facerec jobs start s3://bucket/manifest.jsonl --collection staff --stack facerec --dry-run
      facerec jobs start s3://bucket/photos/ --collection staff --stack facerec --wait
    """
    document: dict[str, Any] = {
        "collection_id": collection,
        "manifest": manifest,
        "tolerated_failure_percentage": tolerated_failures,
        "create_collection": True,
    }
    if max_faces is not None:
        document["options"] = {"max_faces": max_faces}
    if images_per_child is not None:
        document["images_per_child"] = images_per_child
    if dry_run:
        from facerec.cli.job_preview import preview

        preview(document, stack, photos_per_second, as_json=as_json)
    elif stack is None:
        if images_per_child is not None:
            raise InvalidInputError("--images-per-child is for jobs on AWS", "name one by --stack")
        _run_here(context, manifest, collection, data, max_faces, tolerated_failures, as_json)
    else:
        _start_on_aws(document, stack, wait=wait, every=every, as_json=as_json)


@jobs.command("list")
@_place_options
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Show so many."
)
@json_option
def list_command(stack: str | None, data: Path | None, limit: int, as_json: bool) -> None:
    """List the jobs, the newest first.

    \b
    Examples:
      facerec jobs list
      facerec jobs list --stack facerec
    """
    from facerec.cli.job_places import open_place
    from facerec.cli.output import console, print_json, table

    found = open_place(stack, data).newest(limit)
    if as_json:
        print_json([job.to_json() for job in found])
        return
    shown = table(
        "job", "collection", "begun", "status", "photos", "faces", right=("photos", "faces")
    )
    for job in found:
        begun = datetime.fromtimestamp(job.began, UTC).strftime("%Y-%m-%d %H:%M UTC")
        numbers = ("" if each is None else f"{each:,}" for each in (job.images, job.faces))
        shown.add_row(job.name, job.collection_id or "", begun, str(job.status), *numbers)
    console().print(shown if found else "no jobs yet; `facerec jobs start` starts one")


@jobs.command()
@click.argument("job", default="latest")
@_place_options
@json_option
def status(job: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """Show how JOB stands: photos, rate, time left, children, interruptions, cost.

    \b
    Example:
      facerec jobs status latest --stack facerec
    """
    from facerec.cli.job_places import open_place
    from facerec.cli.job_watch import JobLooker, print_look
    from facerec.cli.output import print_json

    look = JobLooker(open_place(stack, data), job).look()
    if as_json:
        print_json(look.to_json())
    else:
        print_look(look)


@jobs.command()
@click.argument("job", default="latest")
@_place_options
@every_option
@json_option
def watch(job: str, stack: str | None, data: Path | None, every: float, as_json: bool) -> None:
    """Watch JOB until it has ended, then show its report.

    Ctrl-C only ends the watching. The exit code is that of the job: 0, 7 for more failures than
    tolerated, 1 for an incomplete or cancelled one.

    \b
    Example:
      facerec jobs watch --stack facerec
    """
    from facerec.cli.job_places import open_place
    from facerec.cli.job_watch import JobLooker

    _watch(JobLooker(open_place(stack, data), job), every, as_json=as_json)


@jobs.command()
@click.argument("job", default="latest")
@_place_options
@click.option("--failures", is_flag=True, help="The same as `facerec jobs failures`.")
@json_option
def report(job: str, stack: str | None, data: Path | None, failures: bool, as_json: bool) -> None:
    """Show the report of JOB: a name or id, a job's folder, or `latest`.

    \b
    Examples:
      facerec jobs report latest
      facerec jobs report staff-20261122-101500-3f2a --stack facerec
    """
    from facerec.cli.job_places import open_place
    from facerec.jobs.ledger.report import write_report

    place = open_place(stack, data)
    found = place.find(job)
    plan = found.needed_plan()
    if failures:
        _print_failures(place, found, as_json=as_json)
    elif stack is not None and found.report is not None:
        _print_report(found.report, as_json=as_json)
    else:
        # Written afresh: a job that was killed has none, or an old one.
        _print_report(write_report(plan, place.objects), as_json=as_json)


@jobs.command()
@click.argument("job", default="latest")
@_place_options
@json_option
def failures(job: str, stack: str | None, data: Path | None, as_json: bool) -> None:
    """List everything that failed in JOB, from its ledger; with --json a JSON line each.

    \b
    Example:
      facerec jobs failures latest --stack facerec --json > failed.jsonl
    """
    from facerec.cli.job_places import open_place

    place = open_place(stack, data)
    _print_failures(place, place.find(job), as_json=as_json)


@jobs.command()
@click.argument("job")
@_place_options
def cancel(job: str, stack: str | None, data: Path | None) -> None:
    """End JOB; what is done is kept, and starting it again goes on from there.

    \b
    Example:
      facerec jobs cancel latest --stack facerec
    """
    from facerec.cli.job_places import open_place

    place = open_place(stack, data)
    found = place.find(job)
    place.cancel(found)
    click.echo(f"cancelled {found.name}; start it again with the same manifest to go on")


def _start_on_aws(
    document: dict[str, Any], stack: str, *, wait: bool, every: float, as_json: bool
) -> None:
    from facerec.cli.job_watch import JobLooker
    from facerec.cli.output import print_json
    from facerec.cli.stack_jobs import open_stack_jobs
    from facerec.jobs.request import read_execution_input
    from facerec.storage.objects.protocol import scheme_of

    read_execution_input(document)
    if scheme_of(document["manifest"]) != "s3":
        raise InvalidInputError(
            f"{document['manifest']} is on this machine, which the stack cannot read",
            "copy it, and the photos it names, to S3 with `aws s3 cp`",
        )
    place = open_stack_jobs(stack)
    started = place.start(document)
    click.echo(f"started {started.name}", err=as_json)
    if wait:
        _watch(JobLooker(place, started.address), every, as_json=as_json)
    elif as_json:
        print_json(started.to_json())
    else:
        click.echo(f"watch it with: facerec jobs watch {started.name} --stack {stack}")


def _run_here(
    context: click.Context,
    manifest: str,
    collection: str,
    data: Path | None,
    max_faces: int | None,
    tolerated_failures: float,
    as_json: bool,
) -> None:
    from facerec.cli.index import index

    given = {} if max_faces is None else {"max_faces": max_faces}
    context.invoke(
        index,
        source=manifest,
        collection=collection,
        data=data,
        tolerated_failures=tolerated_failures,
        as_json=as_json,
        **given,
    )


def _watch(looker: Any, every: float, *, as_json: bool) -> None:  # noqa: ANN401 - imported late
    from facerec.cli.job_watch import watch

    try:
        ended = watch(looker, every=every)
    except KeyboardInterrupt:
        click.echo("no longer watched; the job goes on", err=True)
        raise SystemExit(ExitCode.INTERRUPTED) from None
    _print_end(ended, as_json=as_json)


def _print_end(job: SeenJob, *, as_json: bool) -> None:
    from facerec.jobs.ledger.report import JobStatus

    if job.report is not None:
        _print_report(job.report, as_json=as_json)
    elif as_json:
        from facerec.cli.output import print_json

        print_json(job.to_json())
    if job.cause:
        click.secho(f"error: {job.cause}", fg="red", err=True)
    if job.status == JobStatus.SUCCEEDED:
        return
    too_many = job.report is not None and job.report.status is JobStatus.FAILED
    raise SystemExit(ExitCode.TOO_MANY_FAILURES if too_many else ExitCode.ERROR)


def _print_report(shown: Report, *, as_json: bool) -> None:
    from facerec.cli.output import print_json
    from facerec.cli.reports import print_report

    if as_json:
        print_json(shown.to_json())
    else:
        print_report(shown)


def _print_failures(place: Any, job: SeenJob, *, as_json: bool) -> None:  # noqa: ANN401
    import json

    from facerec.cli.reports import print_failures
    from facerec.jobs.ledger.reading import iterate_rows

    rows = (row for row in iterate_rows(job.needed_plan(), place.objects) if row.failed)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json()))
    else:
        print_failures(rows)
