"""`facerec verify`: compare a collection with the ledgers of its jobs."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import data_option, json_option, stack_option
from facerec.cli.output import console, print_json
from facerec.core.counts import count


@click.command()
@click.argument("collection")
@data_option
@stack_option
@click.option(
    "--repair",
    is_flag=True,
    help="Repair the differences: restore lost faces, and remove outdated ones.",
)
@json_option
def verify(
    collection: str, data: Path | None, stack: str | None, repair: bool, as_json: bool
) -> None:
    """Compare a collection with the jobs that indexed it.

    COLLECTION is compared with the ledgers of all its jobs, which record the faces of each photo;
    no photo is read. With --repair, the collection becomes equal to the ledgers: lost faces are
    restored from the embeddings in the job folders, even into an empty database. Faces that a later
    job stored with other options, and faces and people that an older copy of the database brought
    back, are removed. Faces that were deleted on purpose stay deleted. Lost faces that no job
    folder contains, since they were imported or their job was deleted, come back with their photos:
    the next `facerec index` reads these photos again. The exit code is 1 if something differs and
    is not repaired, or if a job cannot be read or has lost its plan. With --stack, the stores and
    the job folders are read with your credentials; `facerec rebuild --stack` repairs.

    \b
    Examples:
      facerec verify staff
      facerec verify staff --repair
      facerec verify staff --stack facerec
    """
    from facerec.cli.verification_shown import (
        print_deleted_again,
        print_folders_without_plan,
        print_unreadable_jobs,
        print_verification,
    )
    from facerec.factory import (
        count_earlier_jobs,
        verify_local_collection,
        verify_stack_collection,
    )

    if stack is None:
        folder = data_folder(data)
        result = verify_local_collection(
            folder, collection, repair=repair, on_deleted=partial(print_deleted_again, collection)
        )
        earlier = count_earlier_jobs(folder, collection)
    elif repair:
        raise click.UsageError(
            f"a stack repairs a collection with `facerec rebuild {collection} --stack {stack}`"
        )
    else:
        from facerec.jobs.aws.stack import find_stack

        result, earlier = verify_stack_collection(find_stack(stack), collection)
    if as_json:
        found = {**asdict(result), "earlier_jobs": earlier}
        print_json({"collection_id": collection, "repaired": repair, **found})
    else:
        console().print(f"{count(result.faces, 'face')} of jobs compared with {collection}")
        if earlier:
            console().print(
                f"{count(earlier, 'job')} of an earlier collection of this name not compared: "
                "index their photos again to add their faces"
            )
        print_verification(result, repaired=repair)
        # Without a job that can be read, nothing was compared.
        compared = result.faces or not result.unreadable_jobs
        if result.agrees and compared and not result.folders_without_plan:
            console().print("the collection has all of them")
        print_unreadable_jobs(result)
        print_folders_without_plan(result)
    if not result.is_complete or result.lost or (not result.agrees and not repair):
        raise SystemExit(ExitCode.ERROR)
