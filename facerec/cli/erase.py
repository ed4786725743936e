"""`facerec erase`: erase everything known about a face, a photo, an external id or a person."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import erasures, objects
from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    stack_option,
    yes_option,
)
from facerec.cli.output import confirm, console, print_json
from facerec.cli.receipts import print_receipt, print_restored
from facerec.core.deferred import DeferredModule
from facerec.core.json_fields import from_fields

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt, SubjectKind
    from facerec.jobs.erasure_check import check as erasure_check
    from facerec.jobs.erasure_check.check import Remainder
else:
    erasure_check = DeferredModule("facerec.jobs.erasure_check.check")


_ERASED = {
    "FACE": "this face",
    "PHOTO": "all faces of this photo",
    "EXTERNAL_ID": "all faces with this external image id",
    "USER": "this person and all their faces",
}
"""Descriptions of the data to erase, by kind of subject, for the confirmation prompt."""


def subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select the subject of a command; passed as ``subject`` and ``name``."""
    added = (
        click.option("--face", metavar="FACE_ID", help="Id of a stored face."),
        click.option("--photo", metavar="SOURCE", help="Path or s3:// address of a photo."),
        click.option(
            "--external-id",
            metavar="ID",
            help="External image id, as it was given or as commands show it.",
        ),
        click.option(
            "--person",
            metavar="PERSON",
            help="Person, by id or name; all faces of the person are included.",
        ),
    )

    @wraps(command)
    def with_subject(
        *,
        face: str | None,
        photo: str | None,
        external_id: str | None,
        person: str | None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        subject, name = _read_subject(face, photo, external_id, person)
        command(subject=subject, name=name, **others)

    for option in reversed(added):
        with_subject = option(with_subject)
    return with_subject


def _read_subject(
    face: str | None, photo: str | None, external_id: str | None, person: str | None
) -> tuple[SubjectKind, str]:
    """Return the subject that the options select: exactly one of them is required.

    Raises:
        UsageError: The options select no subject, or more than one.
    """
    # An empty path would become the working folder; the gallery refuses an empty name.
    if photo and objects.scheme_of(photo) == "file":
        photo = os.path.abspath(photo)  # noqa: PTH100 - keeps links, as indexing does
    given = {
        erasures.SubjectKind.FACE: face,
        erasures.SubjectKind.PHOTO: photo,
        erasures.SubjectKind.EXTERNAL_ID: external_id,
        erasures.SubjectKind.USER: person,
    }
    named = [(kind, name) for kind, name in given.items() if name is not None]
    if len(named) != 1:
        raise click.UsageError("specify exactly one of --face, --photo, --external-id and --person")
    return named[0]


@click.command()
@collection_option
@subject_options
@data_option
@stack_option
@click.option(
    "--check",
    is_flag=True,
    help="Check that nothing is left, by searching all stores, job folders and files.",
)
@yes_option
@json_option
def erase(
    collection: str,
    subject: SubjectKind,
    name: str,
    data: Path | None,
    stack: str | None,
    check: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase everything known about a face, a photo, an external image id or a person.

    Name exactly one of --face, --photo, --external-id and --person. This permanently erases faces
    with their embeddings, thumbnails and places in clusters, people, corrections, events, names in
    the history, answers kept for idempotency tokens, and embeddings, rows and lines of manifests
    in the folders of all jobs. Your own photos and manifests stay. The receipt lists
    what was removed from each store, without names; `facerec erasures` shows it again. All its
    counts are 0 if nothing was found. The exit code is 8 if --check finds something that is left.

    \b
    Examples:
      facerec erase --collection staff --external-id ann-lee --check
      facerec erase --collection staff --photo photos/ann.jpg --yes --json
      facerec erase --collection staff --person "Zoë Müller"
    """
    if not yes:
        confirm(f"erase {_ERASED[subject]} for good?")
    if stack is None:
        receipt, left = _erase_here(data_folder(data), collection, subject, name, check=check)
    else:
        receipt, left = _erase_in_stack(stack, collection, subject, name, check=check)
    if as_json:
        print_json({**receipt.to_json(), **({"left": list(map(asdict, left))} if check else {})})
    else:
        print_receipt(receipt)
        for each in left:
            if each.unknown_owner:
                console().print(f"unknown whether left in {each.place}: {each.what}")
            else:
                console().print(f"left in {each.place}: {each.what}")
        if any(each.unknown_owner for each in left):
            console().print(
                "the collection of such a folder is unknown: restore its plan.json from a backup, "
                "or remove the folder"
            )
        if check and not left:
            console().print("checked: nothing is left in any store, job folder or file")
    if left:
        if {each.place for each in left} & {erasure_check.EARLIER_COLLECTION, erasure_check.PEOPLE}:
            command = "facerec erasures sweep" + ("" if stack is None else f" --stack {stack}")
            console(stderr=True).print(
                f"`{command}` erases data left over from deleted collections and people"
            )
        raise SystemExit(ExitCode.REMAINDER)


Erased: TypeAlias = "tuple[Receipt, list[Remainder]]"


def _erase_here(
    folder: Path, collection: str, subject: SubjectKind, name: str, *, check: bool
) -> Erased:
    from facerec.factory import open_gallery, open_local_checked_stores
    from facerec.gallery.subjects import subject_name

    with open_gallery(folder) as gallery:
        print_restored(collection, gallery.restore_if_lost(collection))
        name = subject_name(gallery, collection, subject, name)
        if not check:
            return gallery.erase(collection, subject, name), []

        with open_local_checked_stores(folder) as stores:
            return erasure_check.erase_and_check(gallery, collection, subject, name, stores)


def _erase_in_stack(
    stack: str, collection: str, subject: SubjectKind, name: str, *, check: bool
) -> Erased:
    from facerec.cli.services import erasure_function

    event = {"collection_id": collection, "subject": str(subject), "name": name, "check": check}
    answer = erasure_function(stack).call(event)
    receipt = erasures.receipt_from_json(answer["receipt"])
    if not check:
        return receipt, []

    return receipt, [from_fields(erasure_check.Remainder, each) for each in answer["left"]]
