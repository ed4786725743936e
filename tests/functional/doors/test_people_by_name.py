"""Each command that takes a person takes the display name too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.records import Correction
from facerec.testing.engine import fake_face, fake_photo
from tests.support.doors import Door
from tests.support.long import rarely_short

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

FOR_NOBODY = {
    "people name": "names a cluster after a person who may not exist yet",
    "people history": "lists changes of people who are gone too, of whom an erasure leaves none",
    "erase": "erases what jobs and the history may have about an id that nobody has any more",
    "export": "exports the same, and says that there is nothing",
}
"""Commands that take the id of nobody too, and the reasons."""

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


def run(door: Door, name: str, *given: str) -> Result:
    """Run a command with words for faces, a cluster and a folder of the collection."""
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
    runner = CliRunner(env={"FACEREC_DATA": str(door.data)})
    return runner.invoke(main, [*name.split(), *IN, *(words.get(word, word) for word in given)])


def test_all_commands_that_take_a_person_are_tried() -> None:
    taking = {
        name
        for name, command in commands(main)
        if any(param.name == "person" for param in command.params)
    }
    assert taking - NEW.keys() == COMMANDS.keys() - {"find"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_the_display_name_of_a_person(door: Door, name: str) -> None:
    result = run(door, name, *COMMANDS[name])
    assert result.exit_code == 0, result.output
    corrections = door.gallery.list_corrections("staff").corrections
    assert {each.person for each in corrections} <= {"e-1"}


@pytest.mark.parametrize("mistyped", rarely_short(["Ann Müler", "Ann_Müller", "e_1"], "Ann Müler"))
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in FOR_NOBODY])
def test_a_command_refuses_the_name_of_nobody(door: Door, name: str, mistyped: str) -> None:
    before = everything(door)
    result = run(door, name, *(mistyped if word == ANN else word for word in COMMANDS[name]))
    assert result.exit_code == ExitCode.NOT_FOUND, result.output
    assert f"person {mistyped!r} does not exist" in result.stderr
    assert everything(door) == before


def everything(door: Door) -> tuple[object, ...]:
    gallery = door.gallery
    return (
        gallery.list_users("staff").users,
        gallery.list_history("staff").entries,
        gallery.list_corrections("staff").corrections,
        gallery.list_clusters("staff").clusters,
    )


@pytest.mark.parametrize("name", ["zoe", "FREE"])
def test_a_correction_may_name_a_person_by_a_face(door: Door, name: str) -> None:
    other = next(
        face.record.face_id
        for face in door.gallery.list_faces("staff").faces
        if face.record.external_image_id == "bob"
    )
    result = run(door, "faces not-same", other, name)
    assert result.exit_code == 0, result.output


def test_a_correction_is_lifted_though_nobody_has_the_name_any_more(door: Door) -> None:
    face = door.gallery.list_faces("staff").faces[0].record.face_id
    door.gallery._records.add_corrections("staff", [Correction(face, "gone")])
    result = run(door, "faces not-same", face, "gone", "--lift")
    assert result.exit_code == 0, result.output
    assert door.gallery.list_corrections("staff").corrections == ()
