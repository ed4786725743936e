"""Each command that takes a person takes the display name too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from facerec.testing.engine import fake_face, fake_photo
from tests.support.doors import Door

ANN = "Ann Müller"
IN = ("--collection", "staff")

COMMANDS: dict[str, tuple[str, ...]] = {
    "people show": (ANN,),
    "people rename": (ANN, "Ann Meier"),
    "people add": (ANN, "FREE", "--min-similarity", "0"),
    "people remove": (ANN, "OWN"),
    "people register": (ANN, "--consent", "2020-01-01", "--expires", "2099-01-01"),
    "people unregister": (ANN,),
    "people delete": (ANN, "--yes"),
    "people history": (ANN,),
    "people merge": (ANN, "Bob Ray"),
    "people split": (ANN, "new", "OWN"),
    "people match": ("--person", ANN),
    "people name": ("CLUSTER", ANN),
    "people not-same": ("CLUSTER", ANN),
    "faces list": ("--person", ANN),
    "faces not-same": ("FREE", ANN),
    "find": (ANN,),
    "erase": ("--person", ANN, "--yes"),
    "export": ("--person", ANN, "--output", "OUTPUT"),
}
"""Arguments of commands beside the collection."""

NEW = {"people create": "takes the id of a person who does not exist yet"}
"""Commands with an argument of the same name, and the reasons why they take no display name."""


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield all commands of a group with what is typed to call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        elif command is not None:
            yield " ".join((*path, name)), command


@pytest.fixture
def door(open_door: Callable[[str], Door]) -> Door:
    """The command line, with two people and a cluster of unknown faces."""
    door = open_door("command line")
    gallery = door.gallery
    gallery.create_collection("staff")
    for user_id, displayed, person in (("e-1", ANN, "ann"), ("e-2", "Bob Ray", "bob")):
        gallery.create_user("staff", user_id, name=displayed)
        own = [index(door, person, shot) for shot in range(2)]
        gallery.associate_faces("staff", user_id, own, min_similarity=0)
    for shot in range(2):
        index(door, "zoe", shot)
    gallery.cluster_faces("staff")
    return door


def index(door: Door, person: str, shot: int) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot))
    (face,) = door.gallery.index("staff", photo, external_image_id=person).faces
    return face.record.face_id


def test_all_commands_that_take_a_person_are_tried() -> None:
    taking = {
        name
        for name, command in commands(main)
        if any(param.name == "person" for param in command.params)
    }
    assert taking - NEW.keys() == COMMANDS.keys() - {"find"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_the_display_name_of_a_person(door: Door, name: str) -> None:
    words = {
        "OWN": door.gallery.list_faces("staff", user_id="e-1").faces[0].record.face_id,
        "FREE": next(
            face.record.face_id
            for face in door.gallery.list_faces("staff").faces
            if face.user_id is None
        ),
        "OUTPUT": str(door.data / "exported"),
        "CLUSTER": door.gallery.list_clusters("staff").clusters[0].cluster_id,
    }
    given = [words.get(word, word) for word in COMMANDS[name]]
    runner = CliRunner(env={"FACEREC_DATA": str(door.data)})
    result = runner.invoke(main, [*name.split(), *IN, *given])
    assert result.exit_code == 0, result.output
    corrections = door.gallery.list_corrections("staff").corrections
    assert {each.person for each in corrections} <= {"e-1"}
