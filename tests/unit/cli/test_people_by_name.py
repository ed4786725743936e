"""Commands about people take a person by display name; what is not clear changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.deferred import factory
from facerec.cli.main import main
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

People = Callable[..., Result]


def index(gallery: Gallery, person: str, shot: int = 0) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot))
    (face,) = gallery.index("club", photo).faces
    return face.record.face_id


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """The collection ``club`` with Zoë Müller, who has two faces, and 张伟, who has one."""
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("club")
    monkeypatch.setattr(factory, "open_gallery", lambda *_: gallery)
    gallery.create_user("club", "e-1", name="Zoë Müller")
    gallery.associate_faces("club", "e-1", [index(gallery, "zoe", shot) for shot in (0, 1)])
    gallery.create_user("club", "e-2", name="张伟")
    gallery.associate_faces("club", "e-2", [index(gallery, "wei")])
    return gallery


@pytest.fixture
def people(gallery: Gallery) -> People:
    del gallery

    def run(command: str, *words: object) -> Result:
        arguments = ["people", command, "--collection", "club", *map(str, words)]
        return CliRunner().invoke(main, arguments)

    return run


def users(gallery: Gallery) -> dict[str, tuple[str | None, int]]:
    listed = gallery.list_users("club").users
    return {user.user_id: (user.name, len(user.face_ids)) for user in listed}


def test_a_person_is_shown_renamed_and_deleted_by_name(people: People, gallery: Gallery) -> None:
    shown = json.loads(people("show", "Zoe\u0308 Müller", "--json").stdout)
    assert shown["user_id"] == "e-1"
    assert people("rename", "张伟", "张伟 (巴黎)").exit_code == 0
    assert people("delete", "Zoë Müller", "--yes").exit_code == 0
    assert users(gallery) == {"e-2": ("张伟 (巴黎)", 1)}


def test_faces_are_added_removed_split_and_merged_by_name(people: People, gallery: Gallery) -> None:
    (first, second) = gallery.describe_user("club", "e-1").face_ids
    assert people("remove", "Zoë Müller", second).exit_code == 0
    assert people("add", "Zoë Müller", second).exit_code == 0
    assert people("split", "Zoë Müller", "bea", first).exit_code == 0
    assert people("merge", "张伟", "Zoë Müller").exit_code == 0
    assert users(gallery) == {"bea": (None, 1), "e-2": ("张伟", 2)}


def test_people_who_resemble_somebody_are_found_by_name(people: People) -> None:
    found = json.loads(people("match", "--person", "张伟", "--json").stdout)
    assert found["matches"] == []


def test_a_cluster_is_named_after_a_known_and_a_new_person(
    people: People, gallery: Gallery
) -> None:
    for person in ("bob", "cyd"):
        for shot in range(2):
            index(gallery, person, shot)
    gallery.cluster_faces("club")
    first, second = (each.cluster_id for each in gallery.list_clusters("club").clusters)
    assert people("not-same", first, "张伟").exit_code == 0
    assert people("name", first, "Bob d'Été").exit_code == 0
    assert people("name", second, "Zoë Müller").exit_code == 0
    assert ("Bob d'Été", 2) in users(gallery).values()
    assert users(gallery)["e-1"] == ("Zoë Müller", 4)
    assert people("name", "c99", "Nobody Yet").exit_code == 3
    assert len(users(gallery)) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("show", "zoë"),
        ("rename", "zoë", "Zoë"),
        ("delete", "zoë", "--yes"),
        ("merge", "张伟", "zoë"),
        ("remove", "zoë", "00000000-0000-8000-8000-000000000000"),
        ("match", "--person", "zoë"),
    ],
    ids=lambda words: words[0],
)
def test_a_part_of_a_name_lists_the_candidates_and_changes_nothing(
    people: People, gallery: Gallery, words: tuple[str, ...]
) -> None:
    before = users(gallery)
    result = people(*words)
    assert result.exit_code == 3
    assert "person 'zoë' does not exist; similar: e-1 (Zoë Müller)" in result.output
    assert users(gallery) == before


def test_a_name_that_is_the_id_of_somebody_else_changes_nothing(
    people: People, gallery: Gallery
) -> None:
    gallery.create_user("club", "e-3", name="e-1")
    before = users(gallery)
    result = people("delete", "e-1", "--yes")
    assert result.exit_code == 4
    assert "e-1 (Zoë Müller), e-3 (e-1)" in result.output
    assert users(gallery) == before
