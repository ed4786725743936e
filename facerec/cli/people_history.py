"""`facerec people history` and `facerec people undo`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from facerec.cli.change_options import change_options
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    stack_option,
)
from facerec.cli.output import console, name_or_id, print_json, print_page, table
from facerec.core.counts import count
from facerec.core.limits import DEFAULT_HISTORY, MAX_HISTORY

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
@stack_option
@page_options("changes", DEFAULT_HISTORY, MAX_HISTORY)
@json_option
def history(
    collection: str,
    person: str | None,
    data: Path | None,
    stack: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show who changed people, when and why, newest first.

    With PERSON, show only the changes of this person. PERSON can also be an earlier name, or the id
    or name of a person who no longer exists.

    \b
    Examples:
      facerec people history --collection staff
      facerec people history --collection staff "Ann Müller" --json
    """
    page = ask_gallery(
        *(stack, data, collection, "list_history"),
        person=person,
        next_token=next_token,
        limit=limit,
    )
    if as_json:
        print_json(page)
        return
    rows = table("entry", "when", "who", "what", "why", whole=("entry",))
    for entry in page["entries"]:
        when = f"{datetime.fromisoformat(entry['at']):%Y-%m-%d %H:%M}"
        who, why = entry["by"] or "-", entry["why"] or "-"
        rows.add_row(entry["entry_id"], when, who, _summary(entry), why)
    nothing = "no more changes" if next_token else "nothing was changed"
    print_page(rows, page["next_token"], nothing=nothing)


@click.command()
@collection_option
@click.argument("entry")
@data_option
@stack_option
@change_options
@json_option
def undo(collection: str, entry: str, data: Path | None, stack: str | None, as_json: bool) -> None:
    """Undo a change of people, by the id of its ENTRY in `facerec people history`.

    If later changes prevent it, nothing is changed. An undo is an entry too, and can be undone.

    \b
    Example:
      facerec people undo --collection staff 20260102T030405123456Z-0f3c
    """
    done = ask_gallery(stack, data, collection, "undo", entry_id=entry)
    if as_json:
        print_json(done)
    else:
        console().print(f"{entry} undone: {_steps(done)}")


def _summary(entry: dict[str, Any]) -> str:
    action = _ACTIONS[entry["action"]]
    if entry["undoes"] is not None:
        action = f"undo {entry['undoes']}"
    return f"{action}: {_steps(entry)}"


def _steps(entry: dict[str, Any]) -> str:
    # A stack of an earlier release returns no names.
    names = entry.get("names", {})
    shown = ", ".join(_step(step, names) for step in entry["steps"])
    return f"{shown} (somebody was erased)" if entry["erased"] else shown


def _step(step: dict[str, Any], names: dict[str, str]) -> str:
    def whose(person: str | None) -> str:
        return name_or_id(names.get(person), person) if person else "somebody"

    faces = count(len(step["face_ids"]), "face")
    person = whose(step["user_id"])
    named = f"{person} ({step['name']})" if step["name"] not in (None, person) else person
    about = whose(step["person"])
    texts = {
        "CREATED": f"{named} created",
        "DELETED": f"{named} deleted",
        "RENAMED": _renaming(person, step),
        "FACES_ADDED": f"{faces} added to {person}",
        "FACES_REMOVED": f"{faces} removed from {person}",
        "FACES_MOVED": f"{faces} moved from {whose(step['other_id'])} to {person}",
        "CORRECTED": f"{faces} not {about}",
        "CORRECTION_LIFTED": f"{faces} may be {about}",
        "IGNORED": f"cluster {step['cluster_id']} ignored",
        "IGNORED_LIFTED": f"cluster {step['cluster_id']} suggested again",
        "NOT_A_FACE": f"{faces} not a face",
        "NOT_A_FACE_LIFTED": f"{faces} a face again",
        "REGISTRATION_SET": _registration(person, step["registration"]),
    }
    return texts[step["kind"]]


def _renaming(person: str, step: dict[str, Any]) -> str:
    earlier, name = step["earlier_name"], step["name"]
    if person == name:
        return f"{name_or_id(earlier, step['user_id'])} renamed to {name}"
    return f"{person} renamed from {earlier or '-'} to {name or '-'}"


def _registration(whose: str, registration: str | None) -> str:
    if registration is None:
        return f"{whose} no longer registered"
    consent, expires = registration.split("/")
    return f"{whose} registered until {expires} (consent of {consent})"
