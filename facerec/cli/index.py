"""`facerec index`: index photos on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from facerec.cli.change_options import requested_by
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.job_options import job_options
from facerec.cli.numbers import MAX_WHOLE, WholeRange
from facerec.cli.options import collection_option, data_option, json_option, person_from_option
from facerec.cli.webhooks import open_webhook, webhook_option
from facerec.core.deferred import DeferredModule
from facerec.jobs.fields import ExternalIds

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.cli import job_preview, local_run, people_enrol
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.gallery.people.enrolment_rules import NameOf
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
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder for the job's ledger, embeddings and report (default: in the data folder).",
)
@person_from_option
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
    person_from: str | None,
    webhook: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Index the faces of photos into a collection.

    SOURCE is a manifest (JSON lines, CSV or plain addresses, optionally gzipped), a photo, a
    folder, or an s3:// address of one of these. The collection is created if it does not exist. The
    same command resumes an interrupted run. In a folder, only photos that are new or have changed
    since an earlier run are read; if a photo was replaced, so are its faces. With --prune, the
    faces of photos that are gone are removed. Faces that the collection has lost since are
    restored, even if the whole database was lost, unless they were deleted on purpose. A photo
    that is listed under another external image id than before replaces its faces under the old one.

    With --person-from, people are created from the names of photos: `folder` uses the names of the
    folders below SOURCE, `pattern:{person}_*.jpg` parts of paths, and `column:NAME` a column of a
    manifest. If a photo shows several faces, the one most similar to the person's other photos is
    associated with the person. Photos of a folder then have no external image ids.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec index members/ --collection club --person-from folder --exclude '*.cr2'
      facerec index photos/ --collection staff --prune --dry-run
      facerec index manifest.jsonl --collection staff --workers 4 --max-faces 1
      facerec index s3://bucket/visitors/ --collection visitors --json
    """
    document = {"collection_id": collection, "manifest": source, **job_fields}
    enrol = None
    if person_from is not None:
        if _chose_external_ids(job_fields["external_ids"]):
            raise click.UsageError("--person-from requires --external-ids none")
        document["external_ids"] = "none"
        name_of = people_enrol.name_rule(person_from, source)
        if not (dry_run or person_from.startswith("column:")):
            _require_no_external_ids(collection, data, name_of)
        enrol = _enrolment(collection, data, name_of)
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


def _chose_external_ids(chosen: str) -> bool:
    """Return whether the caller asks for ids that are derived from paths."""
    source = click.get_current_context().get_parameter_source("external_ids")
    return source is ParameterSource.COMMANDLINE and chosen != ExternalIds.NONE


def _require_no_external_ids(collection: str, data: Path | None, name_of: NameOf) -> None:
    with factory.open_gallery(data_folder(data, new=True)) as gallery:
        people_enrol.require_no_external_ids(gallery, collection, name_of)


def _enrolment(collection: str, data: Path | None, name_of: NameOf) -> Callable[[], Enrolment]:
    """Return a function that creates people from the names of photos; call it after the job."""

    def enrol() -> Enrolment:
        with requested_by(), factory.open_gallery(data_folder(data, new=True)) as gallery:
            return gallery.enrol_people(collection, name_of)

    return enrol
