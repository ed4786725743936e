"""`facerec erase`: erase whatever is known of a face, a photo, an external image id or a person."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import ExitCode
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, count, print_json
from facerec.cli.receipts import print_receipt
from facerec.core.erasures import SubjectKind
from facerec.storage.objects.protocol import scheme_of

if TYPE_CHECKING:
    from facerec.jobs.erasure_check import CheckedStores, Remainder, Traces

Command = TypeVar("Command", bound=Callable[..., Any])


def subject_options(command: Command) -> Command:
    """Add the options of which one names what a command is about."""
    added = (
        click.option("--face", metavar="ID", help="Id of a face."),
        click.option("--photo", metavar="SOURCE", help="Path or s3:// address of a photo."),
        click.option("--external-id", metavar="ID", help="External image id."),
        click.option(
            "--person",
            "--user",
            "person",
            metavar="ID",
            help="Id of a person; the faces of the person belong to it.",
        ),
    )
    for option in reversed(added):
        command = option(command)
    return command


def read_subject(
    face: str | None, photo: str | None, external_id: str | None, person: str | None
) -> tuple[SubjectKind, str]:
    """Return what the options name.

    Raises:
        UsageError: They name nothing, or more than one thing.
    """
    if photo is not None and scheme_of(photo) == "file":
        photo = os.path.abspath(photo)  # noqa: PTH100 - keeps links, as indexing does
    given = {
        SubjectKind.FACE: face,
        SubjectKind.PHOTO: photo,
        SubjectKind.EXTERNAL_ID: external_id,
        SubjectKind.USER: person,
    }
    named = [(kind, name) for kind, name in given.items() if name is not None]
    if len(named) != 1:
        raise click.UsageError("give one of --face, --photo, --external-id and --person")
    return named[0]


@click.command()
@collection_option
@subject_options
@data_option
@click.option(
    "--check",
    is_flag=True,
    help="Prove that nothing is left: search all stores, job folders and files.",
)
@click.option("--yes", is_flag=True, help="Erase without asking for confirmation.")
@json_option
def erase(
    collection: str,
    face: str | None,
    photo: str | None,
    external_id: str | None,
    person: str | None,
    data: Path | None,
    check: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase whatever is known of a face, a photo, an external image id or a person, for good.

    That is: faces with their embeddings, people, answers kept for idempotency tokens, and
    embeddings, rows and lines of manifests in the folders of all jobs. Photos and manifests of
    your own stay. The receipt says what was removed from where, and names nobody; it is kept: see
    `facerec erasures`. The exit code is 3 if nothing was found, and 8 if --check finds something
    that is left.

    \b
    Examples:
      facerec erase --collection staff --external-id ann-lee --check
      facerec erase --collection staff --photo photos/ann.jpg --yes --json
    """
    from facerec.factory import open_gallery

    subject, name = read_subject(face, photo, external_id, person)
    folder = data_folder(data)
    with open_gallery(folder) as gallery:
        selection = gallery.select(collection, subject, name)
        if not yes:
            faces = count(len(selection.face_ids), "face")
            what = str(subject).lower().replace("_", " ")
            click.confirm(f"erase this {what} with {faces} for good?", abort=True, err=True)
        stores, traces = None, None
        if check:
            stores, traces = _traces(folder, collection, selection)
        receipt = gallery.erase(collection, subject, name)
    left = [] if stores is None or traces is None else _left(collection, traces, stores)
    if as_json:
        places = [{"place": each.place, "what": each.what} for each in left]
        print_json({**receipt.to_json(), **({"left": places} if check else {})})
    else:
        print_receipt(receipt)
        for each in left:
            console().print(f"left in {each.place}: {each.what}")
        if check and not left:
            console().print("checked: nothing is left in any store, job folder or file")
    if left:
        raise SystemExit(ExitCode.REMAINDER)
    if receipt.is_empty and not check:
        raise SystemExit(ExitCode.NOT_FOUND)


def _traces(folder: Path, collection: str, selection: Any) -> tuple[CheckedStores, Traces]:  # noqa: ANN401
    from facerec.factory import jobs_root_of, open_local_store
    from facerec.jobs.erasure_check import CheckedStores, collect_traces
    from facerec.storage.objects import Objects

    store = open_local_store(folder)
    stores = CheckedStores(
        store, store, Objects(), jobs_root_of(folder), (f"{folder.absolute()}/",)
    )
    return stores, collect_traces(collection, selection, stores)


def _left(collection: str, traces: Traces, stores: CheckedStores) -> list[Remainder]:
    from facerec.jobs.erasure_check import find_remainders

    with stores.faces:
        return list(dict.fromkeys(find_remainders(collection, traces, stores)))
