"""`facerec people merge` and `facerec people split`."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli.change_options import change_options
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.options import collection_option, data_option, json_option, stack_option
from facerec.cli.output import console, count, print_json


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

    PERSON keeps its name. After an interruption, run the command again.

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
