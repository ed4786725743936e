"""Prints the differences between a collection and its jobs as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.exit_codes import ExitCode
from facerec.cli.machine_or_stack import here, is_on_stack
from facerec.cli.output import console, say
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.jobs.run_summary import RunSummary
    from facerec.jobs.verifying.segment_check import Verification


def print_unreadable_jobs(result: Verification) -> None:
    """Print the number of jobs that cannot be read, with the remedy, if there are any."""
    if result.unreadable_jobs:
        out = console()
        jobs = count(result.unreadable_jobs, "job")
        out.print(here(f"{jobs} cannot be read: see `facerec jobs list`"))
        out.print(
            here(
                "index their photos again (the faces get the same ids), then delete each of these "
                "jobs with `facerec jobs delete JOB`"
            )
        )


def print_folders_without_plan(result: Verification) -> None:
    """Print which folders could not be compared as they have no plan, with the remedy."""
    for folder in result.folders_without_plan:
        console().print(f"{folder} cannot be checked: it has no plan.json")
    if result.folders_without_plan:
        console().print(
            "restore its plan.json from a backup; or remove the folder, and index its photos again "
            "(the faces get the same ids)"
        )


def print_verification(found: Verification, *, repaired: bool) -> None:
    """Print how a collection differed from the ledgers of its jobs; nothing if it did not.

    Args:
        found: The differences.
        repaired: Whether they have been repaired.
    """
    _print_differences(
        found.missing, found.extra, found.kept, found.deleted, found.returned, repaired=repaired
    )
    _print_returned_people(found.people_returned, repaired=repaired)
    _print_outdated(found.outdated, repaired=repaired)
    _print_moved(found.moved, repaired=repaired)
    print_lost(found, repaired=repaired)


def print_lost(found: Verification, *, repaired: bool) -> None:
    """Print how many faces no job folder contains, and what restores them, if there are any.

    Args:
        found: The differences.
        repaired: Whether a repair or rebuild has just run; if not, the text recommends it as the
            first step.
    """
    if not found.lost:
        return
    _print_lost(found.lost)
    if is_on_stack():
        first, command = "`facerec rebuild`, then ", "jobs start"
    else:
        first, command = "", "index"
    console().print(
        here(
            f"to read {count(found.lost_photos, 'photo')} again for these faces, run "
            f"{'' if repaired else first}`facerec {command}` for the same photos as before"
        )
    )
    if not is_on_stack():
        _print_prune()


def print_deleted_again(collection_id: str) -> None:
    """Print that an older copy of the database had a deleted collection, which is deleted again."""
    console(stderr=True).print(
        f"the database was an older copy that contained the deleted collection {collection_id}: it "
        "was deleted again, and the later collection of the same name is restored from its job "
        "folders, without people and corrections"
    )


def print_run(run: RunSummary) -> None:
    """Print how the collection differed from the ledgers of earlier runs."""
    if run.collection_restored:
        console().print(
            "the database had lost the collection, or was an older copy with a deleted one of this "
            "name: the faces were restored from job folders; people and corrections are lost"
        )
    _print_differences(
        run.faces_restored,
        run.faces_removed,
        run.faces_kept,
        run.faces_deleted,
        run.faces_returned,
        repaired=True,
    )
    _print_returned_people(run.people_returned, repaired=True)
    _print_outdated(run.faces_outdated, repaired=True)
    _print_moved(run.faces_moved, repaired=True)
    if run.faces_lost:
        _print_lost(run.faces_lost)
        photos = count(run.photos_lost, "photo")
        if run.followed_by is not None:
            console().print(f"{photos} read again for these faces: job {run.followed_by}")
        elif run.stopped:
            console().print(f"{photos} to read again for these faces")
        elif is_on_stack():
            console().print(
                here(
                    f"to read {photos} again for these faces, run `facerec rebuild COLLECTION`, "
                    "then `facerec jobs start` for the same photos as before"
                )
            )
        else:
            console().print(
                f"{photos} not read for these faces: not in this source, gone, or unreadable; "
                "index the folder or manifest that contains them"
            )
            _print_prune()


def exit_if_lost(run: RunSummary) -> None:
    """End the command with an error if faces remain lost."""
    if run.faces_lost:
        lost = count(run.faces_lost, "face")
        say(f"error: {lost} lost, and not all photos of them were read again", fg="red", err=True)
        raise SystemExit(ExitCode.ERROR)


def _print_differences(
    missing: int, extra: int, kept: int, deleted: int, returned: int, *, repaired: bool
) -> None:
    out = console()
    if missing:
        what = "restored" if repaired else "missing"
        out.print(f"{count(missing, 'face')} {what}: the collection had lost them")
    if extra:
        what = "removed" if repaired else "to be removed"
        out.print(f"{count(extra, 'face')} {what}: indexed since then with other options")
    if kept:
        out.print(f"{count(kept, 'face')} of people kept: indexed since then with other options")
    if returned:
        what = "removed" if repaired else "to be removed"
        out.print(
            f"{count(returned, 'face')} {what}: deleted on purpose, but an older database "
            "contained them"
        )
    if deleted:
        command = "jobs start" if is_on_stack() else "index"
        out.print(
            f"{count(deleted, 'face')} deleted on purpose since then; "
            + here(f"`facerec {command} --restore-deleted` stores them again")
        )


def _print_lost(lost: int) -> None:
    console().print(
        f"{count(lost, 'face')} lost: neither the collection nor a job folder contains them"
    )


def _print_prune() -> None:
    console().print(
        here(
            "if photos are gone, `facerec index FOLDER --prune` or `facerec erase --photo ADDRESS` "
            "removes their faces from the ledgers"
        )
    )


def _print_returned_people(returned: int, *, repaired: bool) -> None:
    if returned:
        what = "removed" if repaired else "to be removed"
        people = count(returned, "person", "people")
        console().print(
            f"{people} {what}: deleted on purpose, but an older database contained them"
        )


def _print_outdated(outdated: int, *, repaired: bool) -> None:
    if outdated:
        what = "removed" if repaired else "to be removed"
        console().print(
            f"{count(outdated, 'face')} {what}: an older database contained them, but their photos "
            "have since been replaced, removed, erased or given another external image id"
        )


def _print_moved(moved: int, *, repaired: bool) -> None:
    if moved:
        what = "with the right address again" if repaired else "with the wrong address"
        console().print(
            f"{count(moved, 'face')} {what}: an older database had the addresses of their photos "
            "before a move"
        )
