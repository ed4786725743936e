"""`facerec people history` and `facerec people undo`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_history
from facerec.cli.options import collection_option, data_option, json_option, page_options
from facerec.cli.output import console, count, print_json, print_page, table
from facerec.core.limits import DEFAULT_HISTORY, MAX_HISTORY

if TYPE_CHECKING:
    from facerec.core.history import Entry, Step

_ACTIONS = {
    "CREATE": "create",
    "RENAME": "rename",
    "DELETE": "delete",
    "MERGE": "merge",
    "SPLIT": "split",
    "ADD_FACES": "add faces",
    "REMOVE_FACES": "remove faces",
    "ENROL": "enrol",
    "NAME_CLUSTER": "name a cluster",
    "NOT_SAME": "not the same",
    "IGNORE": "ignore",
    "NOT_A_FACE": "not a face",
    "REGISTER": "register",
    "UNREGISTER": "unregister",
    "UNDO": "undo",
}


@click.command()
@collection_option
@click.argument("person", required=False)
@data_option
@page_options("changes", DEFAULT_HISTORY, MAX_HISTORY)
@json_option
def history(
    collection: str,
    person: str | None,
    data: Path | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show who changed people, when and why, newest first.

    With PERSON, show the changes of this person only. An earlier name, and the id or name of
    somebody who was deleted, are found too.

    \b
    Examples:
      facerec people history --collection staff
      facerec people history --collection staff "Ann Müller" --json
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        page = gallery.list_history(collection, person=person, next_token=next_token, limit=limit)
    if as_json:
        print_json(presenting_history.history_page_json(page))
        return
    rows = table("entry", "when", "who", "what", "why", whole=("entry",))
    for entry in page.entries:
        cause = entry.cause
        when = f"{datetime.fromtimestamp(cause.at, UTC):%Y-%m-%d %H:%M}"
        rows.add_row(cause.entry_id, when, cause.by or "-", _summary(entry), cause.why or "-")
    nothing = "no more changes" if next_token else "nothing was changed"
    print_page(rows, page.next_token, nothing=nothing)


@click.command()
@collection_option
@click.argument("entry")
@data_option
@change_options
@json_option
def undo(collection: str, entry: str, data: Path | None, as_json: bool) -> None:
    """Undo a change of people, by the id of its ENTRY in `facerec people history`.

    If later changes prevent it, nothing is changed. An undo is an entry too, and can be undone.

    \b
    Example:
      facerec people undo --collection staff 20260102T030405123456Z-0f3c
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        done = gallery.undo(collection, entry)
    if as_json:
        print_json(presenting_history.history_entry_json(done))
    else:
        console().print(f"{entry} undone: {_steps(done)}")


def _summary(entry: Entry) -> str:
    action = _ACTIONS[entry.cause.action.value]
    if entry.cause.undoes is not None:
        action = f"undo {entry.cause.undoes}"
    return f"{action}: {_steps(entry)}"


def _steps(entry: Entry) -> str:
    shown = ", ".join(_step(step) for step in entry.steps)
    return f"{shown} (somebody was erased)" if entry.is_erased else shown


def _step(step: Step) -> str:
    faces = count(len(step.face_ids), "face")
    whose = "somebody" if step.user_id is None else step.user_id
    named = f"{whose} ({step.name})" if step.name else whose
    about = step.person or "somebody"
    texts = {
        "CREATED": f"{named} created",
        "DELETED": f"{named} deleted",
        "RENAMED": f"{whose} renamed from {step.earlier_name or '-'} to {step.name or '-'}",
        "FACES_ADDED": f"{faces} added to {whose}",
        "FACES_REMOVED": f"{faces} removed from {whose}",
        "FACES_MOVED": f"{faces} moved from {step.other_id or 'somebody'} to {whose}",
        "CORRECTED": f"{faces} not {about}",
        "CORRECTION_LIFTED": f"{faces} may be {about}",
        "IGNORED": f"cluster c{step.cluster} ignored",
        "IGNORED_LIFTED": f"cluster c{step.cluster} suggested again",
        "NOT_A_FACE": f"{faces} not a face",
        "NOT_A_FACE_LIFTED": f"{faces} a face again",
        "REGISTRATION_SET": _registration(whose, step.registration),
    }
    return texts[step.kind.value]


def _registration(whose: str, registration: str | None) -> str:
    if registration is None:
        return f"{whose} no longer registered"
    consent, expires = registration.split("/")
    return f"{whose} registered until {expires} (consent of {consent})"
