"""`facerec people merge` and `facerec people split`."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_people
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, count, print_json
from facerec.cli.person_argument import user_id_of


@click.command()
@collection_option
@click.argument("person")
@click.argument("other")
@data_option
@change_options
@json_option
def merge(collection: str, person: str, other: str, data: Path | None, as_json: bool) -> None:
    """Merge OTHER into PERSON: all faces become PERSON's, and OTHER is deleted.

    PERSON keeps its name. After an interruption, run the command again.

    \b
    Example:
      facerec people merge --collection staff ann ann-2
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user = gallery.merge_users(
            collection,
            user_id_of(gallery, collection, person),
            user_id_of(gallery, collection, other),
        )
    if as_json:
        print_json(presenting_people.described_person_json(user))
    else:
        faces = count(len(user.face_ids), "face")
        console().print(f"person {other} merged into {person}, who has {faces} now")


@click.command()
@collection_option
@click.argument("person")
@click.argument("new_person")
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@change_options
@click.option("--name", metavar="NAME", help="Name of the new person, in any script.")
@json_option
def split(
    collection: str,
    person: str,
    new_person: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Move some faces of PERSON to NEW_PERSON, who is created.

    `facerec people show` lists the faces of a person.

    \b
    Example:
      facerec people split --collection staff ann bea 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id = user_id_of(gallery, collection, person)
        user = gallery.split_user(collection, user_id, face_ids, new_person, name=name)
    if as_json:
        print_json(presenting_people.described_person_json(user))
    else:
        faces = count(len(user.face_ids), "face")
        console().print(f"{faces} of person {person} moved to {new_person}")
