"""`facerec rebuild`: restore a collection from the embeddings in job folders."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import data_option, json_option
from facerec.cli.output import console, count, print_json


@click.command()
@click.argument("collection")
@data_option
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Data folder that receives the faces (default: the same).",
)
@json_option
def rebuild(collection: str, data: Path | None, into: Path | None, as_json: bool) -> None:
    """Restore COLLECTION from the embeddings in job folders; no photo is read.

    Use it if the database is lost or damaged, or to fill another one. Faces that were erased stay
    erased. Faces that no job has indexed cannot be restored, and neither can people. The exit code
    is 1 if a job cannot be read.

    \b
    Examples:
      facerec rebuild staff
      facerec rebuild staff --into /new/data
    """
    from facerec.factory import jobs_root_of, open_gallery, open_local_store
    from facerec.jobs.rebuild import rebuild_collection
    from facerec.storage.objects import Objects

    started = time.monotonic()
    source = data_folder(data)
    target = source if into is None else into
    with open_gallery(source) as gallery, open_local_store(target) as store:
        result = rebuild_collection(
            collection,
            Objects(),
            jobs_root_of(source),
            store,
            store,
            complete_erasures=lambda: gallery.resume_erasures(older_than=0),
            target_root=None if into is None else jobs_root_of(into),
        )
        faces = store.count_faces(collection)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"collection_id": collection, **asdict(result), "seconds": round(seconds, 3)})
    else:
        restored = count(result.missing, "face")
        console().print(f"{restored} restored in {seconds:.1f} s; {collection} has {faces:,}")
        if result.unreadable_jobs:
            jobs = count(result.unreadable_jobs, "job")
            console().print(f"{jobs} cannot be read; see `facerec jobs list`")
    if result.unreadable_jobs:
        raise SystemExit(ExitCode.ERROR)
