"""`facerec jobs start`: start a job, on this machine or in a stack on AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.job_options import job_options
from facerec.cli.job_service_options import interval_option, service_options
from facerec.cli.options import (
    collection_option,
    json_option,
    photos_per_child_option,
    photos_per_second_option,
)
from facerec.cli.output import print_json, say
from facerec.core.deferred import DeferredModule

if TYPE_CHECKING:
    from facerec.cli import job_preview, job_watching, local_run, people_enrol, services
else:
    job_preview = DeferredModule("facerec.cli.job_preview")
    services = DeferredModule("facerec.cli.services")
    job_watching = DeferredModule("facerec.cli.job_watching")
    local_run = DeferredModule("facerec.cli.local_run")
    people_enrol = DeferredModule("facerec.cli.people_enrol")


@click.command()
@click.argument("manifest")
@collection_option
@service_options
@click.option(
    "--wait",
    is_flag=True,
    help="Watch the job until it ends; without --stack this is always so.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Change nothing: show the plan and the duration, and on AWS the cost.",
)
@click.option(
    "--bulk-import",
    is_flag=True,
    help="Let Pinecone import the faces from S3 when all photos are processed. Only for a "
    "collection that no job has indexed.",
)
@photos_per_child_option
@photos_per_second_option(", for --dry-run; `facerec estimate` measures it")
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
    bulk_import: bool,
    images_per_child: int | None,
    photos_per_second: float | None,
    interval: float | None,
    job_fields: dict[str, Any],
    as_json: bool,
) -> None:
    """Start a job that indexes the photos that MANIFEST names.

    On AWS, MANIFEST is the s3:// address of a manifest, of the manifest.json of an S3 Inventory, or
    of a prefix that ends in a slash. The collection is created if it does not exist. Without a
    stack the job runs in the foreground, as with `facerec index`, which explains --person-from.

    \b
    Examples:
      facerec jobs start s3://bucket/manifest.jsonl --collection staff --stack facerec --dry-run
      facerec jobs start s3://bucket/photos/ --collection staff --stack facerec --wait
      facerec jobs start s3://bucket/members/ --collection club --stack facerec --person-from folder
    """
    from facerec.core.names import checked_collection_id

    person_from = job_fields.pop("person_from", None)
    document: dict[str, Any] = {
        "collection_id": checked_collection_id(collection),
        "manifest": manifest,
        **job_fields,
    }
    if images_per_child is not None:
        document["images_per_child"] = images_per_child
    if bulk_import:
        document["bulk_import"] = True
    _require_stack(
        stack, {"--photos-per-child": images_per_child is not None, "--bulk-import": bulk_import}
    )
    enrol = None
    if person_from is not None:
        people_enrol.require_no_chosen_ids()
        document["external_ids"] = "none"
        if stack is None:
            enrol = people_enrol.enrolment_after_job(document, data, person_from, dry_run=dry_run)
        else:
            document["person_from"] = person_from
    if dry_run:
        job_preview.preview(document, stack, data, photos_per_second, as_json=as_json)
    elif stack is None:
        local_run.run_here(document, data, interval=interval, enrol=enrol, as_json=as_json)
    else:
        shown = services.open_jobs(stack, data)
        job = shown.service.submit(document)
        say(f"started {job.id}", err=as_json)
        if wait:
            job_watching.watch_job(shown, job, interval, as_json=as_json)
        elif as_json:
            print_json(job.to_json())
        else:
            say(f"watch it with: facerec jobs watch {job.id} --stack {stack}")


def _require_stack(stack: str | None, given: dict[str, bool]) -> None:
    """Check that options of AWS jobs are given with a stack only."""
    for option, is_given in given.items():
        if stack is None and is_given:
            raise click.UsageError(f"{option} requires --stack: it only applies to AWS jobs")
