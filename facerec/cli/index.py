"""`facerec index`: index photos on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from facerec.cli.job_options import job_options
from facerec.cli.local_run import run_here
from facerec.cli.options import collection_option, data_option, json_option


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
