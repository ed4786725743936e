"""`facerec people`: list, describe and change the people of a collection, and search for them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import associations, factory, presenting_people
from facerec.cli.exit_codes import raise_first
from facerec.cli.faces_shown import face_table
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    probability,
    yes_option,
)
from facerec.cli.output import confirm, console, count, print_json, print_page, table
from facerec.cli.people_changes import merge, split
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
from facerec.cli.person_argument import deleted_person, user_id_of
from facerec.core.limits import MAX_USER_PAGE
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD

if TYPE_CHECKING:
    from facerec.core.registrations import Registration
    from facerec.gallery.people.associations import AssociationOutcome


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
    merge,
    split,
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
    with factory.open_gallery(data_folder(data)) as gallery:
        page = gallery.list_users(
            collection, name_contains=name_contains, next_token=next_token, limit=limit
        )
    if as_json:
        print_json(presenting_people.person_page_json(page))
        return
    named = ("person", "name", "faces", "status", "registered")
    rows = table(*named, right=("faces",), whole=("person",))
    for user in page.users:
        faces = str(len(user.face_ids))
        status = associations.status_of(user).lower()
        registered = _registered(user.registration)
        rows.add_row(user.user_id, user.name or "-", faces, status, registered)
    about = "" if name_contains is None else f" named {name_contains}"
    nothing = "no more people" if next_token else f"collection {collection} has no people{about}"
    print_page(rows, page.next_token, nothing=nothing)


@people.command()
@collection_option
@click.argument("person")
@data_option
@json_option
def show(collection: str, person: str, data: Path | None, as_json: bool) -> None:
    """Show a person: status, creation time and faces.

    \b
    Example:
      facerec people show --collection staff ann
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user = gallery.resolve_user(collection, person)
        page = gallery.list_faces(collection, user_id=user.user_id)
    if as_json:
        print_json(presenting_people.described_person_json(user))
        return
    created = datetime.fromtimestamp(user.created_at, UTC)
    shown = user.user_id if user.name is None else f"{user.name} ({user.user_id})"
    console().print(
        f"{shown}: {count(len(user.face_ids), 'face')}, {associations.status_of(user).lower()}, "
        f"created {created:%Y-%m-%d %H:%M UTC}"
    )
    if user.registration is not None:
        console().print(shown_registration(user.registration))
    if page.faces:
        console().print(face_table(page.faces))
    lost = len(user.face_ids) - len(page.faces)
    if lost > 0:
        gone = count(lost, "face")
        console().print(
            f"{gone} not in the collection, deleted or lost: `facerec verify {collection}` shows"
            " whether jobs can restore any"
        )


@people.command()
@collection_option
@click.argument("person", required=False)
@data_option
@change_options
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the new person, in any script. Nobody else may have it. Without PERSON, the id "
    "is derived from it.",
)
@json_option
def create(
    collection: str, person: str | None, data: Path | None, name: str | None, as_json: bool
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
    with factory.open_gallery(data_folder(data)) as gallery:
        user = gallery.create_user(collection, person, name=name)
    if as_json:
        print_json(presenting_people.person_json(user))
    else:
        console().print(f"person {user.user_id} created in collection {collection}")


@people.command()
@collection_option
@click.argument("person")
@click.argument("name", required=False)
@data_option
@change_options
@click.option("--remove", is_flag=True, help="Remove the name instead.")
@json_option
def rename(
    collection: str,
    person: str,
    name: str | None,
    data: Path | None,
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
    with factory.open_gallery(data_folder(data)) as gallery:
        user = gallery.rename_user(collection, user_id_of(gallery, collection, person), name)
    if as_json:
        print_json(presenting_people.person_json(user))
    elif user.name is None:
        console().print(f"person {user.user_id} has no name now")
    else:
        console().print(f"person {user.user_id} is {user.name} now")


@people.command()
@collection_option
@click.argument("person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@change_options
@click.option(
    "--min-similarity",
    type=probability,
    default=ASSOCIATION_THRESHOLD,
    show_default=True,
    help="Minimum similarity of a face to the person's other faces.",
)
@json_option
def add(
    collection: str,
    person: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    min_similarity: float,
    as_json: bool,
) -> None:
    """Add faces to a person; `facerec faces list` shows their ids.

    Faces that the person already has are ignored. A face is refused if it belongs to another person
    or does not resemble the person's other faces.

    \b
    Example:
      facerec people add --collection staff ann 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id = user_id_of(gallery, collection, person)
        outcome = gallery.associate_faces(
            collection, user_id, face_ids, min_similarity=min_similarity
        )
    _print_change(outcome, "added", as_json=as_json)


@people.command()
@collection_option
@click.argument("person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@change_options
@json_option
def remove(
    collection: str, person: str, face_ids: tuple[str, ...], data: Path | None, as_json: bool
) -> None:
    """Remove faces from a person; they stay in the collection.

    \b
    Example:
      facerec people remove --collection staff ann 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id = user_id_of(gallery, collection, person)
        outcome = gallery.disassociate_faces(collection, user_id, face_ids)
    _print_change(outcome, "removed", as_json=as_json)


@people.command()
@collection_option
@click.argument("person")
@data_option
@change_options
@yes_option
@json_option
def delete(collection: str, person: str, data: Path | None, yes: bool, as_json: bool) -> None:
    """Delete a person; the faces stay in the collection.

    \b
    Example:
      facerec people delete --collection staff ann --yes
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id, faces = deleted_person(gallery, collection, person)
        if not yes:
            confirm(f"delete person {person} with {faces}?")
        receipt = gallery.delete_user(collection, user_id)
    if as_json:
        print_json(receipt.to_json())
    else:
        console().print(f"person {person} deleted; {faces} stay in collection {collection}")


def _registered(registration: Registration | None) -> str:
    if registration is None:
        return "-"
    active = registration.is_active(time.time())
    return f"until {registration.expires}" if active else f"expired {registration.expires}"


def _print_change(outcome: AssociationOutcome, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(presenting_people.association_json(outcome))
    else:
        console().print(f"{count(len(outcome.changed), 'face')} {done}")
    raise_first(failure.to_error() for failure in outcome.failed)
