"""`facerec rebuild`: restore a collection from the embeddings in job folders."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import ExitCode
from facerec.cli.local_path import LocalPath
from facerec.cli.options import data_option, json_option, stack_option
from facerec.cli.output import console, print_json
from facerec.cli.receipts import print_resumed
from facerec.cli.verification_shown import (
    print_deleted_again,
    print_folders_without_plan,
    print_lost,
    print_unreadable_jobs,
)
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.jobs.verifying.rebuild import Rebuilt


@click.command()
@click.argument("collection")
@data_option
@click.option(
    "--into",
    type=LocalPath(file_okay=False),
    metavar="FOLDER",
    help="Data folder that receives the faces (default: the same).",
)
@stack_option
@json_option
def rebuild(
    collection: str, data: Path | None, into: Path | None, stack: str | None, as_json: bool
) -> None:
    """Restore a collection from its job folders.

    COLLECTION is restored from the embeddings in the folders of its jobs; no photo is read. Use it
    if the database is lost or damaged, or to fill another one. Faces that were erased stay erased.
    Faces that no job has indexed cannot be restored. If jobs have found faces in the collection
    that no job folder contains, the next `facerec index` reads their photos again. With --into,
    people, corrections, clusters, the history, tags, retention and threshold are copied too. If the
    database is lost, people, corrections, clusters and the history cannot be restored. The exit
    code is 1 if a job cannot be read, or if photos must be read again. On AWS, a call may take up
    to 15 minutes; if it does not finish, the next one continues.

    \b
    Examples:
      facerec rebuild staff
      facerec rebuild staff --into /new/data
      facerec rebuild staff --stack facerec
    """
    if stack is not None and into is not None:
        raise click.UsageError("--into cannot be used with --stack")
    started = time.monotonic()
    if stack is None:
        from facerec.factory import rebuild_local_collection

        result = rebuild_local_collection(
            data_folder(data),
            collection,
            into,
            on_resumed=print_resumed,
            on_deleted=partial(print_deleted_again, collection),
        )
    else:
        result = _rebuild_in_stack(collection, stack)
    seconds = time.monotonic() - started
    if as_json:
        document = {"collection_id": collection, **result.to_json()}
        print_json({**document, "seconds": round(seconds, 3)})
    else:
        _print(result, seconds)
    if not result.faces.is_complete or result.faces.lost:
        raise SystemExit(ExitCode.ERROR)


def _print(result: Rebuilt, seconds: float) -> None:
    restored = count(result.faces.missing, "face")
    console().print(f"{restored} of {result.faces.faces:,} restored in {seconds:.1f} s")
    if result.copied is not None:
        people = count(result.copied.people, "person", "people")
        corrections = count(result.copied.corrections, "correction")
        console().print(
            f"{people} and {corrections} copied, with clusters, history, tags, retention and "
            "threshold"
        )
        if result.copied.lacking:
            lacking = count(result.copied.lacking, "face")
            console().print(f"{lacking} of people not restored: no job has indexed them")
    elif result.records == "LOST":
        console().print(
            "people and corrections are lost with the database: they are in no job folder"
        )
    print_lost(result.faces, repaired=True)
    print_unreadable_jobs(result.faces)
    print_folders_without_plan(result.faces)


def _rebuild_in_stack(collection: str, stack: str) -> Rebuilt:
    from facerec.cli.services import erasure_function
    from facerec.jobs.verifying.rebuild import rebuilt_from_json

    return rebuilt_from_json(erasure_function(stack).call({"rebuild": collection}))
