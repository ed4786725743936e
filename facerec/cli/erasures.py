"""`facerec erasures`: the receipts of erasures, and erasures that were interrupted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.exit_codes import raise_first
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    limit_option,
    stack_option,
)
from facerec.cli.output import console, print_json, table
from facerec.cli.receipts import WHAT, print_receipt
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import DEFAULT_RECEIPTS, MAX_RECEIPTS
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.core.erasures import Swept
    from facerec.gallery.receipts import Erasures
else:
    services = DeferredModule("facerec.cli.services")


SECONDS_PER_CALL = 60
"""Seconds after which the function of a stack answers, although the sweep is not complete."""


@click.group(cls=SummaryGroup)
def erasures() -> None:
    """List and show receipts of erasures, and complete them."""


@erasures.command("list")
@collection_option
@data_option
@stack_option
@limit_option("receipts", DEFAULT_RECEIPTS, MAX_RECEIPTS)
@json_option
def list_command(
    collection: str, data: Path | None, stack: str | None, limit: int, as_json: bool
) -> None:
    """List the receipts of a collection, newest first. The collection may have been deleted.

    \b
    Example:
      facerec erasures list --collection staff
    """
    receipts = _erasures(stack, data).list(collection, limit)
    if as_json:
        print_json({"erasures": [receipt.to_json() for receipt in receipts]})
        return
    if not receipts:
        console().print(f"nothing was erased from collection {collection}")
        return
    rows = table(
        "erasure", "subject", "status", "requested", "faces", right=("faces",), whole=("erasure",)
    )
    for receipt in receipts:
        requested = datetime.fromtimestamp(receipt.requested_at, UTC)
        rows.add_row(
            receipt.erasure_id,
            WHAT[receipt.subject],
            receipt.status,
            f"{requested:%Y-%m-%d %H:%M UTC}",
            f"{receipt.faces:,}",
        )
    console().print(rows)


@erasures.command()
@click.argument("erasure")
@collection_option
@data_option
@stack_option
@json_option
def show(
    erasure: str, collection: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Show the receipt of an erasure.

    \b
    Example:
      facerec erasures show 20260131T120000Z-5f0c2a91 --collection staff
    """
    receipt = _erasures(stack, data).get(collection, erasure)
    if as_json:
        print_json(receipt.to_json())
    else:
        print_receipt(receipt)


@erasures.command()
@data_option
@json_option
def resume(data: Path | None, as_json: bool) -> None:
    """Complete erasures that were interrupted.

    If one of them cannot be completed, the others still are, and the exit code is that of the
    failure.

    \b
    Example:
      facerec erasures resume
    """
    errors = list[FacerecError]()
    with factory.open_gallery(data_folder(data)) as gallery:
        receipts = gallery.resume_erasures(older_than=0, on_error=errors.append)
    if as_json:
        print_json({"erasures": [receipt.to_json() for receipt in receipts]})
    else:
        for receipt in receipts:
            print_receipt(receipt)
        if not (receipts or errors):
            console().print("all erasures are complete")
    raise_first(errors)


@erasures.command()
@click.argument("erasure")
@data_option
@stack_option
def discard(erasure: str, data: Path | None, stack: str | None) -> None:
    """Remove the note of an erasure that cannot be completed because this note is damaged.

    Repeat the erasure itself first: a damaged note does not show the data to erase.

    \b
    Example:
      facerec erasures discard 20260131T120000Z-5f0c2a91
    """
    _erasures(stack, data).discard(erasure)
    console().print(f"the note of the erasure {erasure} is removed")


@erasures.command()
@data_option
@stack_option
@json_option
def sweep(data: Path | None, stack: str | None, as_json: bool) -> None:
    """Erase data left over from deleted collections and people.

    A child of a job that is killed while its collection is deleted may have stored faces that no
    collection shows. Deletions that were interrupted under earlier releases may have left records
    of people in the table of a stack. A stack does the same each hour. With --stack, what was
    erased so far is printed each minute; after Ctrl-C, the next sweep continues where this one was.

    \b
    Examples:
      facerec erasures sweep
      facerec erasures sweep --stack facerec
    """
    if stack is None:
        with factory.open_gallery(data_folder(data)) as gallery:
            swept = gallery.sweep()
    else:
        swept = _sweep_stack(stack)
    if as_json:
        print_json({"swept": [{"collection_id": name, **asdict(swept[name])} for name in swept]})
        return
    for name, erased in swept.items():
        if erased.faces:
            console().print(
                f"{count(erased.faces, 'face')} of the deleted collection {name} erased"
            )
        if erased.records:
            records = count(erased.records, "leftover record")
            console().print(f"{records} of collection {name} erased")
        if not erased.faces and not erased.records:
            console().print(f"job folders of the deleted collection {name} erased")
    if not swept:
        console().print("nothing is left of deleted collections and people")


def _sweep_stack(stack: str) -> dict[str, Swept]:
    """Invoke the function of a stack until it has swept everything; return what was erased."""
    from facerec.core.erasures import Swept

    function = services.erasure_function(stack)
    swept: dict[str, Swept] = {}
    while True:
        answer = function.call({"sweep": True, "seconds": SECONDS_PER_CALL})
        # A function of an earlier release erases no records.
        records = answer.get("records", {})
        for name, faces in answer["swept"].items():
            known = swept.get(name, Swept(0, 0))
            swept[name] = Swept(known.faces + faces, known.records + records.get(name, 0))
        if answer.get("complete", True):
            return dict(sorted(swept.items()))
        done = count(sum(each.faces for each in swept.values()), "face")
        others = count(sum(each.records for each in swept.values()), "record")
        console(stderr=True).print(f"{done} and {others} erased so far; the sweep continues")


def _erasures(stack: str | None, data: Path | None) -> Erasures:
    if stack is None:
        return factory.open_local_erasures(data_folder(data))

    return services.stack_erasures(stack)
