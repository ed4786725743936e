"""`facerec index`: the faces of photos into a collection."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import (
    collection_option,
    data_option,
    index_face_options,
    json_option,
)
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.jobs.child.attempt import ChildParts
    from facerec.jobs.local.supervisor import LocalRun
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore
    from facerec.storage.sqlite import SqliteStore


@click.command()
@click.argument("source")
@collection_option
@data_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Processes at work at once; by default as many as there are cores.",
)
@index_face_options
@click.option(
    "--tolerated-failures",
    type=click.FloatRange(0, 100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="How many of the photos may be unreadable or missing before the job counts as failed.",
)
@click.option(
    "--job",
    "job_folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Keep the job's ledger and report in this folder.",
)
@json_option
def index(
    source: str,
    collection: str,
    data: Path | None,
    workers: int | None,
    options: FaceOptions,
    tolerated_failures: float,
    job_folder: Path | None,
    as_json: bool,
) -> None:
    """Index the faces of photos into a collection.

    SOURCE is a manifest (JSON lines, CSV or plain addresses, also gzipped), a photo, a folder, or
    an s3:// address of one of these. The collection is made if it does not exist. A run that was
    interrupted goes on where it was; what is indexed already is not done twice.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec index manifest.jsonl --collection staff --workers 4 --max-faces 1
      facerec index s3://bucket/visitors/ --collection visitors --json
    """
    from facerec.cli.output import print_json
    from facerec.cli.parts import data_folder, jobs_folder, open_store
    from facerec.cli.progress import shown_progress
    from facerec.cli.reports import print_report
    from facerec.engine.dlib.sessions import available_cores
    from facerec.engine.dlib.version import model_version
    from facerec.jobs.local.supervisor import run_locally
    from facerec.jobs.planner import plan_job
    from facerec.jobs.request import read_execution_input
    from facerec.storage.objects import Objects

    job = read_execution_input(
        {
            "collection_id": collection,
            "manifest": source,
            "tolerated_failure_percentage": tolerated_failures,
        }
    )
    folder = data_folder(data)
    objects = Objects()
    with open_store(folder) as store:
        plan = plan_job(
            replace(job, options=options),
            objects,
            jobs_root=jobs_folder(folder),
            model_version=model_version(),
            job_folder=f"{job_folder.absolute()}/" if job_folder else None,
        )
        if plan.children == 0:
            raise InvalidInputError(f"{source} names no photos")
        _ready_collection(store, objects, plan)
    # A supervisor that ends the process means what Ctrl-C means.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with shown_progress(plan) as progress:
        run = run_locally(
            plan,
            partial(_build_parts, folder),
            objects,
            workers=workers or available_cores(),
            progress=progress.show,
        )
    if as_json:
        print_json(run.report.to_json())
    else:
        print_report(run.report, already_indexed=progress.new_images == 0 and not run.interrupted)
    _exit(run)


def _build_parts(data: Path) -> ChildParts:
    """Build what a worker process works with; each has one thread, so that workers do not fight."""
    from facerec.cli.parts import open_store
    from facerec.engine.engine import open_engine
    from facerec.jobs.child.attempt import ChildParts
    from facerec.storage.objects import Objects

    _hush_native_libraries()
    return ChildParts(open_engine(threads=1), open_store(data), Objects())


def _hush_native_libraries() -> None:
    """Keep what libtiff writes about broken photos off the terminal; Python's own words stay."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def _ready_collection(store: SqliteStore, objects: ObjectStore, plan: Plan) -> None:
    """Make the collection unless it exists, and see that it can take the job's faces.

    Raises:
        InvalidInputError: the job's folder tells of faces that went with an earlier collection of
            this name; to go on from there would leave them out.
        ModelMismatchError: its faces are of another model version.
    """
    from facerec.gallery.collections import prepare_collection

    collection = prepare_collection(
        plan.collection_id,
        model_version=plan.model_version,
        create=True,
        now=plan.created_at,
        records=store,
    ).collection
    begun = next(objects.list(f"{plan.job_folder}ledger/"), None) is not None
    if begun and collection.created_at > plan.created_at:
        raise InvalidInputError(
            f"{plan.job_folder} holds a job of an earlier collection {plan.collection_id!r}",
            "remove that folder, or choose another one with --job",
        )


def _exit(run: LocalRun) -> None:
    from facerec.jobs.ledger.report import JobStatus

    if run.interrupted:
        click.echo("interrupted; the same command goes on from here", err=True)
        raise SystemExit(ExitCode.INTERRUPTED)
    for child, cause in run.lost.items():
        click.echo(f"error: child {child} was given up: {cause}", err=True)
    if run.report.status is JobStatus.FAILED:
        raise SystemExit(ExitCode.TOO_MANY_FAILURES)
    if run.report.status is JobStatus.INCOMPLETE:
        raise SystemExit(ExitCode.ERROR)
