"""`facerec jobs`: the jobs of this machine and what became of their photos."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import data_option, json_option
from facerec.errors import NotFoundError

if TYPE_CHECKING:
    from facerec.jobs.overview import JobOverview
    from facerec.stores.objects import ObjectStore


@click.group()
def jobs() -> None:
    """List jobs and show their reports."""


@jobs.command("list")
@data_option
@json_option
def list_command(data: Path | None, as_json: bool) -> None:
    """List the jobs, the newest first.

    \b
    Example:
      facerec jobs list
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.cli.output import console, print_json, table

    found = _newest_first(data)
    if as_json:
        print_json([_summary(job) for job in found])
        return
    shown = table(
        "job", "collection", "begun", "status", "photos", "faces", right=("photos", "faces")
    )
    for job in found:
        begun = datetime.fromtimestamp(job.plan.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        report = job.report
        photos, faces, status = "", "", "INCOMPLETE"
        if report is not None:
            status = report.status.value
            photos = f"{report.tally.images:,}"
            faces = f"{report.tally.faces_indexed + report.tally.faces_present:,}"
        shown.add_row(job.plan.job_id, job.plan.collection_id, begun, status, photos, faces)
    console().print(shown if found else "no jobs yet; `facerec index` starts one")


@jobs.command()
@click.argument("job")
@data_option
@click.option("--failures", is_flag=True, help="List everything that failed, from the ledger.")
@json_option
def report(job: str, data: Path | None, failures: bool, as_json: bool) -> None:
    """Show the report of JOB: an id, a job's folder, or `latest`.

    With --failures and --json, each failure is one JSON line.

    \b
    Examples:
      facerec jobs report latest
      facerec jobs report staff-0123456789ab --failures
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    import json

    from facerec.cli.output import print_json
    from facerec.cli.reports import print_failures, print_report
    from facerec.jobs.history import iterate_rows
    from facerec.jobs.plan import read_plan
    from facerec.jobs.report import write_report
    from facerec.stores.routed_objects import open_objects

    objects = open_objects()
    plan = read_plan(objects, _folder(job, data))
    if failures:
        rows = (row for row in iterate_rows(plan, objects) if row.failed)
        if as_json:
            for row in rows:
                click.echo(json.dumps(row.to_json()))
        else:
            print_failures(rows)
        return
    # Written afresh: a job that was killed has none, or an old one.
    current = write_report(plan, objects)
    if as_json:
        print_json(current.to_json())
    else:
        print_report(current)


def _folder(job: str, data: Path | None) -> str:
    """Return the folder of the job that a person means, with its final ``/``."""
    if (Path(job) / "plan.json").exists():
        return f"{Path(job).absolute()}/"
    found = _newest_first(data)
    named = found[:1] if job == "latest" else [each for each in found if each.plan.job_id == job]
    if not named:
        raise NotFoundError(f"there is no job {job!r}", "see `facerec jobs list`")
    return named[0].plan.job_folder


def _newest_first(data: Path | None) -> list[JobOverview]:
    from facerec.cli.parts import data_folder, jobs_folder
    from facerec.jobs.overview import list_jobs
    from facerec.stores.routed_objects import open_objects

    objects: ObjectStore = open_objects()
    found = list_jobs(objects, jobs_folder(data_folder(data)))
    return sorted(found, key=lambda job: job.plan.created_at, reverse=True)


def _summary(job: JobOverview) -> dict[str, object]:
    return {
        "job_id": job.plan.job_id,
        "collection_id": job.plan.collection_id,
        "job_folder": job.plan.job_folder,
        "created_at": job.plan.created_at,
        "report": None if job.report is None else job.report.to_json(),
    }
