"""`facerec collections`: list, create, describe, migrate, delete, export and import collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.collection_migration import migrate
from facerec.cli.collection_transfer import export, import_
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import erasures, factory, presenting_collections, retention
from facerec.cli.exit_codes import raise_first
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.machine_or_stack import here
from facerec.cli.numbers import NumberCommand
from facerec.cli.options import (
    data_option,
    json_option,
    page_options,
    probability,
    recipe_name,
    stack_option,
    yes_option,
)
from facerec.cli.output import confirm, console, print_json, print_page, table
from facerec.cli.receipts import (
    print_pending_deletion,
    print_receipt,
    print_resumed,
)
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE
from facerec.errors import CollectionNotFoundError, FacerecError

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.core.erasures import Receipt
else:
    services = DeferredModule("facerec.cli.services")


@click.group(cls=SummaryGroup)
def collections() -> None:
    """List, create, describe, migrate, delete, export and import collections."""


collections.add_command(export)
collections.add_command(import_)
collections.add_command(migrate)


@collections.command("list")
@data_option
@stack_option
@page_options("collections", DEFAULT_PAGE, MAX_PAGE)
@json_option
def list_command(
    data: Path | None, stack: str | None, next_token: str | None, limit: int, as_json: bool
) -> None:
    """List the collections, ordered by name.

    \b
    Examples:
      facerec collections list
      facerec collections list --limit 100 --json
    """
    page = ask_gallery(stack, data, "", "list_collections", next_token=next_token, limit=limit)
    if as_json:
        print_json(page)
        return
    summaries = page["collections"]
    creating = "index" if stack is None else "jobs start"
    nothing = here(f"no collections yet; `facerec {creating}` creates one")
    rows = _table(summaries)
    print_page(rows, page["next_token"], nothing="no more collections" if next_token else nothing)
    _print_deletions(summaries)


@collections.command()
@click.argument("name")
@click.option(
    "--expire-after",
    metavar="DAYS",
    help="Erase each face this long after it was indexed, such as 365d (default: never).",
)
@click.option(
    "--recipe",
    type=recipe_name,
    default="fast",
    show_default=True,
    help="Recipe of the faces: one view, or the average of four, which misses fewer "
    "matches and takes longer.",
)
@data_option
@stack_option
@json_option
def create(
    name: str,
    expire_after: str | None,
    recipe: str,
    data: Path | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Create an empty collection.

    The recipe is part of the collection's model version: all its photos and probes are described
    with it.

    \b
    Examples:
      facerec collections create staff
      facerec collections create visitors --expire-after 30d
      facerec collections create passports --recipe accurate
    """
    tags = (
        {}
        if expire_after is None
        else {retention.RETENTION_TAG: f"{retention.read_days(expire_after)}d"}
    )
    created = ask_gallery(
        stack, data, name, "create_collection", new=True, tags=tags, recipe=recipe
    )
    if as_json:
        print_json(created)
    else:
        console().print(f"collection {name} created")


@collections.command()
@click.argument("name")
@data_option
@stack_option
@json_option
def describe(name: str, data: Path | None, stack: str | None, as_json: bool) -> None:
    """Show a collection: its model version, age, retention, and number of faces and people.

    \b
    Example:
      facerec collections describe staff
    """
    if stack is not None:
        described = services.erasure_function(stack).call({"describe": name})
    else:
        with factory.open_gallery(data_folder(data)) as gallery:
            described = presenting_collections.summary_json(gallery.describe_collection(name))
    if as_json:
        print_json(described)
    else:
        console().print(_table([described]))
        _print_deletions([described])


@collections.command("set-threshold", cls=NumberCommand)
@click.argument("name")
@click.argument("threshold", type=probability, required=False)
@click.option("--default", "clear", is_flag=True, help="Use the general default again.")
@data_option
@stack_option
@json_option
def set_threshold(
    name: str,
    threshold: float | None,
    clear: bool,
    data: Path | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Set the default minimum similarity of a match in a collection.

    `facerec calibrate` measures which threshold suits a collection.

    \b
    Examples:
      facerec collections set-threshold staff 0.93
      facerec collections set-threshold staff --default
    """
    if (threshold is None) != clear:
        raise click.UsageError("specify either THRESHOLD or --default")
    changed = ask_gallery(stack, data, name, "set_threshold", threshold=threshold)
    if as_json:
        print_json(changed)
    elif threshold is None:
        console().print(f"collection {name} has the default threshold again")
    else:
        console().print(f"collection {name} has the threshold {threshold:g}")


@collections.command()
@click.argument("name")
@click.option(
    "--expire-after",
    required=True,
    metavar="DAYS",
    help="Erase each face this long after it was indexed, such as 365d; `never` keeps faces.",
)
@data_option
@stack_option
@json_option
def update(
    name: str, expire_after: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Set how long a collection keeps each face.

    `facerec collections expire` erases older faces; on AWS the stack does so each hour.

    \b
    Examples:
      facerec collections update staff --expire-after 365d
      facerec collections update staff --expire-after never
    """
    days = None if expire_after == "never" else retention.read_days(expire_after)
    if stack is not None:
        described = services.erasure_function(stack).call(
            {"describe": name, "retention_days": days}
        )
    else:
        with factory.open_gallery(data_folder(data)) as gallery:
            gallery.set_retention(name, days)
            described = presenting_collections.summary_json(gallery.describe_collection(name))
    if as_json:
        print_json(described)
        return
    kept = "for ever" if days is None else f"for {count(days, 'day')} after it was indexed"
    console().print(f"collection {name} keeps each face {kept}")


@collections.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--dry-run", is_flag=True, help="Change nothing: show how many faces have expired.")
@data_option
@json_option
def expire(names: tuple[str, ...], dry_run: bool, data: Path | None, as_json: bool) -> None:
    """Erase the faces whose retention period is over.

    Without a NAME, this applies to all collections. People whose faces have all expired are erased
    too, and entries of the history that are as old. Run it each day, for example from cron.

    \b
    Examples:
      facerec collections expire
      facerec collections expire visitors --dry-run
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        chosen = names or [each.collection_id for each in gallery.all_collections()]
        expired = dict[str, int]()
        receipts: list[Receipt] = []
        errors = list[FacerecError]()
        # Without names, erasures of deleted collections are completed too.
        for concerned in () if dry_run else names or (None,):
            print_resumed(gallery.resume_erasures(collection_id=concerned, on_error=errors.append))
        for name in chosen:
            # A collection with an invalid setting must not prevent the expiry of the others.
            try:
                if dry_run:
                    expired[name] = len(gallery.list_expired(name))
                elif (receipt := gallery.expire(name)) is not None:
                    expired[name] = receipt.faces
                    receipts.append(receipt)
            except FacerecError as error:
                errors.append(error)
    _print_expired(expired, None if dry_run else receipts, as_json=as_json)
    raise_first(errors)


def _print_expired(
    expired: Mapping[str, int], receipts: Sequence[Receipt] | None, *, as_json: bool
) -> None:
    """Print how many faces of each collection expired; they were erased if there are receipts."""
    if as_json:
        print_json(
            expired
            if receipts is None
            else {"erasures": [receipt.to_json() for receipt in receipts]}
        )
        return
    for name, faces in expired.items():
        state = "expired" if receipts is None else "expired and erased"
        console().print(f"{count(faces, 'face')} of collection {name} {state}")
    if not any(expired.values()):
        console().print("no face has expired")


@collections.command("refresh-stats")
@click.argument("name")
@data_option
@stack_option
@json_option
def refresh_stats(name: str, data: Path | None, stack: str | None, as_json: bool) -> None:
    """Store the cohort stats of faces that an earlier release indexed.

    Cohort stats compare a face with faces of strangers; every similarity is computed from them.
    Without stored stats, searches are as accurate, but slower. No photo is read. The collection can
    be used at the same time.

    \b
    Example:
      facerec collections refresh-stats staff
    """
    with services.open_gallery(stack, data) as gallery:
        page = gallery.refresh_stats(name)
        refreshed = page.refreshed
        while page.next_token is not None:
            page = gallery.refresh_stats(name, next_token=page.next_token)
            refreshed += page.refreshed
    if as_json:
        print_json({"collection_id": name, "refreshed": refreshed, "next_token": None})
    else:
        console().print(f"stats of {count(refreshed, 'face')} stored in collection {name}")


@collections.command()
@click.argument("name")
@data_option
@stack_option
@yes_option
@json_option
def delete(name: str, data: Path | None, stack: str | None, yes: bool, as_json: bool) -> None:
    """Delete a collection permanently: its faces, its people, and its jobs with their ledgers.

    The receipt lists the data removed from each store. `facerec erasures` shows it again. On AWS, a
    call may take up to 15 minutes; if it does not finish, the stack continues each hour.

    \b
    Examples:
      facerec collections delete staff --yes
      facerec collections delete staff --stack facerec
    """
    if not yes:
        confirm(f"delete collection {name} with {_content(stack, data, name)} for good?")
    answer = ask_gallery(stack, data, name, "delete_collection")
    receipt = erasures.receipt_from_json(answer)
    if as_json:
        print_json(receipt.to_json())
    else:
        console().print(f"collection {name} deleted")
        print_receipt(receipt)
        if receipt.created_before is not None:
            console().print(
                "it had been deleted before, and came back with an older copy of the database; "
                "if it was created again after that first deletion, "
                + here(f"`facerec rebuild {name}` restores the later collection")
            )


def _content(stack: str | None, data: Path | None, name: str) -> str:
    try:
        described = ask_gallery(stack, data, name, "describe_collection")
    except CollectionNotFoundError:
        if stack is not None:
            raise
        with factory.open_gallery(data_folder(data)) as gallery:
            gallery.find_deletable(name)
        return "what is left of it in job folders"
    return count(described["face_count"], "face")


def _table(summaries: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - rich is imported late
    expiring = any(summary["retention_days"] is not None for summary in summaries)
    columns = ["collection", "faces", "people", "created", "model"]
    if expiring:
        columns.insert(3, "kept")
    rows = table(*columns, right=("faces", "people", "kept"))
    for summary in summaries:
        days = summary["retention_days"]
        rows.add_row(
            summary["collection_id"],
            f"{summary['face_count']:,}",
            f"{summary['user_count']:,}",
            *(["for ever" if days is None else f"{days} d"] if expiring else ()),
            f"{datetime.fromisoformat(summary['created_at']):%Y-%m-%d %H:%M UTC}",
            summary["model_version"],
        )
    return rows


def _print_deletions(summaries: Sequence[Mapping[str, Any]]) -> None:
    for summary in summaries:
        # The function of an earlier release does not return this field.
        if deletion_id := summary.get("deletion_id"):
            print_pending_deletion(summary["collection_id"], deletion_id)
