"""Commands that add and remove faces of people, and merge, split and delete people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from facerec.cli.change_options import change_options
from facerec.cli.exit_codes import raise_first
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    probability,
    stack_option,
    yes_option,
)
from facerec.cli.output import confirm, console, print_json
from facerec.core.counts import count
from facerec.errors import error_from_json
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD


@click.command()
@collection_option
@click.argument("person")
@click.argument("other")
@data_option
@stack_option
@change_options
@json_option
def merge(
    collection: str, person: str, other: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Merge OTHER into PERSON: all faces become PERSON's, and OTHER is deleted.

    PERSON keeps the id and the name. A registration of OTHER is lost. After an interruption, run
    the command again.

    \b
    Example:
      facerec people merge --collection staff ann ann-2
    """
    merged = ask_gallery(stack, data, collection, "merge_people", person=person, other=other)
    if as_json:
        print_json(merged)
    else:
        faces = count(merged["face_count"], "face")
        console().print(f"person {other} merged into {person}, who has {faces} now")


@click.command()
@collection_option
@click.argument("person")
@click.argument("new_person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@stack_option
@change_options
@click.option("--name", metavar="NAME", help="Name of the new person, in any script.")
@json_option
def split(
    collection: str,
    person: str,
    new_person: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    stack: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Move some faces of PERSON to NEW_PERSON, who is created.

    `facerec people show` lists the faces of a person.

    \b
    Example:
      facerec people split --collection staff ann bea 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    created = ask_gallery(
        *(stack, data, collection, "split_person"),
        person=person,
        new_person=new_person,
        face_ids=face_ids,
        name=name,
    )
    if as_json:
        print_json(created)
    else:
        faces = count(created["face_count"], "face")
        console().print(f"{faces} of person {person} moved to {new_person}")


@click.command()
@collection_option
@click.argument("person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@stack_option
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
    stack: str | None,
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
    added = ask_gallery(
        *(stack, data, collection, "add_faces"),
        person=person,
        face_ids=face_ids,
        min_similarity=min_similarity,
    )
    _print_change(added, "added", as_json=as_json)


@click.command()
@collection_option
@click.argument("person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@stack_option
@change_options
@json_option
def remove(
    collection: str,
    person: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Remove faces from a person; they stay in the collection.

    \b
    Example:
      facerec people remove --collection staff ann 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    removed = ask_gallery(stack, data, collection, "remove_faces", person=person, face_ids=face_ids)
    _print_change(removed, "removed", as_json=as_json)


@click.command()
@collection_option
@click.argument("person")
@data_option
@stack_option
@change_options
@yes_option
@json_option
def delete(
    collection: str, person: str, data: Path | None, stack: str | None, yes: bool, as_json: bool
) -> None:
    """Delete a person; the faces stay in the collection.

    The name and the id are erased from the history too, so this cannot be undone.

    \b
    Example:
      facerec people delete --collection staff ann --yes
    """
    found = ask_gallery(stack, data, collection, "find_person_to_delete", person=person)
    number = found["face_count"]
    faces = "all faces" if number is None else count(number, "face")
    if not yes:
        confirm(f"delete person {person}, but keep {faces}?")
    receipt = ask_gallery(stack, data, collection, "delete_person", user_id=found["user_id"])
    if as_json:
        print_json(receipt)
    else:
        console().print(f"person {person} deleted; {faces} stay in collection {collection}")


def _print_change(changed: dict[str, Any], done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(changed["outcome"])
    else:
        console().print(f"{count(len(changed['outcome']['changed']), 'face')} {done}")
    raise_first(map(error_from_json, changed["errors"]))
