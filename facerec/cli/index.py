"""`facerec index`: index photos on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.job_options import job_options
from facerec.cli.local_path import LocalPath
from facerec.cli.numbers import MAX_WHOLE, WholeRange
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.webhooks import open_webhook, webhook_option
from facerec.core.deferred import DeferredModule

if TYPE_CHECKING:
    from facerec.cli import job_preview, local_run, people_enrol
else:
    job_preview = DeferredModule("facerec.cli.job_preview")
    local_run = DeferredModule("facerec.cli.local_run")
    people_enrol = DeferredModule("facerec.cli.people_enrol")


@click.command()
@click.argument("source")
@collection_option
@data_option
@click.option(
    "--workers",
    type=WholeRange(1, MAX_WHOLE),
    default=None,
    help="Number of worker processes (default: one per core).",
)
@job_options
@click.option(
    "--job-folder",
    type=LocalPath(file_okay=False),
    metavar="FOLDER",
    help="Folder for the job's ledger, embeddings and report (default: in the data folder).",
)
@webhook_option
@click.option("--dry-run", is_flag=True, help="Change nothing: show what would be indexed.")
@json_option
def index(
    source: str,
    collection: str,
    data: Path | None,
    workers: int | None,
    job_fields: dict[str, Any],
    job_folder: Path | None,
    webhook: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Index the faces of photos into a collection.

    SOURCE is a photo, a folder, a manifest (JSON lines, CSV or one address per line; it may be
    gzipped), or an s3:// address of one of these. The collection is created if it does not exist.
    The same command resumes an interrupted job. In a folder, only photos that are new or have
    changed since an earlier run are read; if a photo was replaced, so are its faces. With --prune,
    the faces of photos that are gone are removed. Faces that the collection has since lost are
    restored, even if the whole database was lost, unless they were deleted on purpose. The exit
    code is 1 if faces remain lost because their photos were not read again. If the external image
    id of a photo has changed, its faces are stored under the new id only.

    With --person-from, people are created from the names of photos: `folder` uses the path of a
    photo's folder below SOURCE, `pattern:{person}_*.jpg` parts of paths, and `column:NAME` a column
    of a manifest. If a photo shows several faces, the one most similar to the person's other photos
    is associated with the person. Photos of a folder then have no external image ids.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec index members/ --collection club --person-from folder --exclude '*.cr2'
      facerec index photos/ --collection staff --prune --dry-run
      facerec index manifest.jsonl --collection staff --workers 4 --max-faces 1
      facerec index s3://bucket/visitors/ --collection visitors --json
    """
    from facerec.core.names import checked_collection_id

    person_from = job_fields.pop("person_from", None)
    document = {
        "collection_id": checked_collection_id(collection),
        "manifest": source,
        **job_fields,
    }
    enrol = None
    if person_from is not None:
        people_enrol.require_no_chosen_ids()
        document["external_ids"] = "none"
        enrol = people_enrol.enrolment_after_job(document, data, person_from, dry_run=dry_run)
    if dry_run:
        job_preview.preview(document, None, data, as_json=as_json)
        return
    local_run.run_here(
        document,
        data,
        workers=workers,
        job_folder=job_folder,
        enrol=enrol,
        webhook=None if webhook is None else open_webhook(webhook),
        as_json=as_json,
    )
