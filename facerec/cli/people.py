"""`facerec people`: list, describe and change the people of a collection, and search for them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from facerec.cli.change_options import change_options
from facerec.cli.faces_shown import stored_face_table
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.machine_or_stack import here
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    stack_option,
)
from facerec.cli.output import console, print_json, print_page, shown_name, table
from facerec.cli.people_changes import add, delete, merge, remove, split
from facerec.cli.people_enrol import enrol
from facerec.cli.people_history import history, undo
from facerec.cli.people_match import match
from facerec.cli.people_registered import events, register, shown_registration, unregister
from facerec.cli.people_suggest import (
    ignore,
    name,
    not_a_face,
    not_same,
    show_cluster,
    suggest,
)
from facerec.core.counts import count
from facerec.core.limits import MAX_USER_PAGE


@click.group(cls=SummaryGroup)
def people() -> None:
    """List, match and change the people of a collection.

    A person groups the faces of somebody in a collection, like a user in Rekognition. A person has
    an id of letters, digits and the characters _.:- and may have a name in any script. PERSON is
    the id or the name.
    """


for command in (
    match,
    enrol,
    add,
    remove,
    merge,
    split,
    delete,
    register,
    unregister,
    events,
    history,
    undo,
    suggest,
    show_cluster,
    name,
    ignore,
    not_a_face,
    not_same,
):
    people.add_command(command)


@people.command("list")
@collection_option
@data_option
@stack_option
@click.option(
    "--name-contains",
    metavar="TEXT",
    help="List only people whose name or id contains this text.",
)
@page_options("people", MAX_USER_PAGE, MAX_USER_PAGE)
@json_option
def list_command(
    collection: str,
    data: Path | None,
    stack: str | None,
    name_contains: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the people of a collection, ordered by id.

    \b
    Examples:
      facerec people list --collection staff
      facerec people list --collection staff --name-contains müller
      facerec people list --collection staff --limit 100 --json
    """
    page = ask_gallery(
        *(stack, data, collection, "list_people"),
        name_contains=name_contains,
        next_token=next_token,
        limit=limit,
    )
    if as_json:
        print_json(page)
        return
    named = ("person", "name", "faces", "status", "registered")
    rows = table(*named, right=("faces",), whole=("person",))
    for person in page["people"]:
        faces, status = str(person["face_count"]), person["status"].lower()
        registered = _registered(person["registration"])
        rows.add_row(person["user_id"], person["name"] or "-", faces, status, registered)
    about = "" if name_contains is None else f" named {name_contains}"
    nothing = "no more people" if next_token else f"collection {collection} has no people{about}"
    print_page(rows, page["next_token"], nothing=nothing)


@people.command()
@collection_option
@click.argument("person")
@data_option
@stack_option
@json_option
def show(collection: str, person: str, data: Path | None, stack: str | None, as_json: bool) -> None:
    """Show a person: status, creation time and faces.

    \b
    Example:
      facerec people show --collection staff ann
    """
    found = ask_gallery(stack, data, collection, "show_person", person=person)
    shown, faces = found["person"], found["faces"]
    if as_json:
        print_json(shown)
        return
    whom = _named(shown)
    created = datetime.fromisoformat(shown["created_at"])
    console().print(
        f"{whom}: {count(shown['face_count'], 'face')}, {shown['status'].lower()}, "
        f"created {created:%Y-%m-%d %H:%M UTC}"
    )
    if shown["registration"] is not None:
        console().print(shown_registration(shown["registration"]))
    if faces:
        console().print(stored_face_table(faces))
    lost = shown["face_count"] - len(faces)
    if lost > 0:
        gone = count(lost, "face")
        console().print(
            f"{gone} not in the collection, deleted or lost: "
            + here(f"`facerec verify {collection}` shows whether jobs can restore any")
        )


@people.command()
@collection_option
@click.argument("person", required=False)
@data_option
@stack_option
@change_options
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the new person, in any script. Nobody else may have it. Without PERSON, the id "
    "is derived from it.",
)
@json_option
def create(
    collection: str,
    person: str | None,
    data: Path | None,
    stack: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Create a person without faces.

    \b
    Examples:
      facerec people create --collection staff ann
      facerec people create --collection staff e-1041 --name "Zoë Müller"
      facerec people create --collection staff --name 张伟
    """
    if person is None and name is None:
        raise click.UsageError("specify PERSON, --name or both")
    created = ask_gallery(stack, data, collection, "create_person", user_id=person, name=name)
    if as_json:
        print_json(created)
    else:
        console().print(f"person {_named(created)} created in collection {collection}")


@people.command()
@collection_option
@click.argument("person")
@click.argument("name", required=False)
@data_option
@stack_option
@change_options
@click.option("--remove", is_flag=True, help="Remove the name instead.")
@json_option
def rename(
    collection: str,
    person: str,
    name: str | None,
    data: Path | None,
    stack: str | None,
    remove: bool,
    as_json: bool,
) -> None:
    """Set the name of a person, in any script; the id and the faces stay.

    \b
    Examples:
      facerec people rename --collection staff ann "Ann Müller"
      facerec people rename --collection staff ann --remove
    """
    if (name is None) != remove:
        raise click.UsageError("specify either NAME or --remove")
    renamed = ask_gallery(stack, data, collection, "rename_person", person=person, name=name)
    if as_json:
        print_json(renamed)
    elif renamed["name"] is None:
        console().print(f"person {shown_name(renamed['user_id'])} has no name now")
    else:
        console().print(f"person {shown_name(renamed['user_id'])} is {renamed['name']} now")


def _registered(registration: dict[str, Any] | None) -> str:
    if registration is None:
        return "-"
    return f"{'expired' if registration['expired'] else 'until'} {registration['expires']}"


def _named(person: dict[str, Any]) -> str:
    """Return the display name of a person with the id, or only the id."""
    user_id: str = person["user_id"]
    return user_id if person["name"] is None else f"{person['name']} ({user_id})"
