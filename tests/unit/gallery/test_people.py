"""People with display names: shown with matches, one-to-one with the ids derived from them."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facerec.core.derived_names import derived_user_id
from facerec.core.erasures import SubjectKind
from facerec.core.names import checked_new_id, checked_user_id, checked_user_name
from facerec.core.protocols.records import RecordStore
from facerec.core.schemas import violation
from facerec.errors import (
    FaceInUseError,
    InvalidInputError,
    UserExistsError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.presenting.people import person_json
from facerec.gallery.presenting.search import search_json
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

NAMES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=255)


def index(gallery: Gallery, person: str, shot: int = 0) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot))
    (face,) = gallery.index("staff", photo, external_image_id=person).faces
    return face.record.face_id


@given(NAMES, NAMES)
@example(".", "..")
def test_different_names_have_different_ids_which_rekognition_allows(name: str, other: str) -> None:
    assert (derived_user_id(name) == derived_user_id(other)) == (name == other)
    checked_new_id(checked_user_id(derived_user_id(name)))


def test_people_of_one_letter_each_in_their_script_stay_two_people(gallery: Gallery) -> None:
    for name in ("张伟", "李娜", "Ann", ".xE5.xBC.xA0.xE4.xBC.x9F"):
        gallery.create_user("staff", name=name)
    users = gallery.list_users("staff").users
    assert {user.name for user in users} >= {"张伟", "李娜", "Ann"}
    assert len({user.user_id for user in users}) == 4
    assert all(violation("person", person_json(user)) is None for user in users)


def test_a_name_is_kept_in_one_form_of_unicode() -> None:
    assert checked_user_name(f" {unicodedata.normalize('NFD', 'Zoë')} ") == "Zoë"
    joined = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert checked_user_name(joined) == joined


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\x1b[31mb", "a\u202eb", "a\u2028b", "a" * 256]
)
def test_a_name_that_could_not_be_read_is_refused_in_one_line(gallery: Gallery, name: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        gallery.create_user("staff", "ann", name=name)
    assert "\n" not in raised.value.message
    assert gallery.list_users("staff").users == ()


def test_a_match_shows_the_name_of_the_person(gallery: Gallery) -> None:
    wei = index(gallery, "wei")
    gallery.create_user("staff", "e-1041", name="张伟")
    gallery.associate_faces("staff", "e-1041", [wei])
    result = gallery.search("staff", fake_photo(fake_face("wei")))
    (match,) = result.faces[0].matches
    assert (match.user_id, match.person_name) == ("e-1041", "张伟")
    assert result.faces[0].candidates[0].person_name == "张伟"
    document = search_json(result)
    assert violation("match-result", document) is None
    assert document["faces"][0]["matches"][0]["face"]["person_name"] == "张伟"
    again = index(gallery, "wei", shot=1)
    assert gallery.search_face("staff", again).matches[0].person_name == "张伟"
    (found,) = gallery.search_users_by_photo("staff", fake_photo(fake_face("wei"))).matches
    assert found.user.name == "张伟"


def test_a_renamed_person_keeps_id_and_faces(gallery: Gallery) -> None:
    wei = index(gallery, "wei")
    gallery.create_user("staff", "wei", name="Zhang Wei")
    gallery.associate_faces("staff", "wei", [wei])
    renamed = gallery.rename_user("staff", "wei", "张伟")
    assert renamed == gallery.describe_user("staff", "wei")
    assert (renamed.name, renamed.face_ids) == ("张伟", (wei,))
    assert gallery.rename_user("staff", "wei", None).name is None


def test_a_name_belongs_to_one_person_of_a_collection(gallery: Gallery) -> None:
    gallery.create_user("staff", "wei", name="Zoë")
    gallery.create_user("staff", "ann")
    decomposed = unicodedata.normalize("NFD", "Zoë")
    with pytest.raises(UserNameExistsError):
        gallery.create_user("staff", "bob", name=decomposed)
    with pytest.raises(UserNameExistsError):
        gallery.rename_user("staff", "ann", decomposed)
    with pytest.raises(UserExistsError):
        gallery.create_user("staff", "ann", name="Ann")
    with pytest.raises(UserNotFoundError):
        gallery.rename_user("staff", "nobody", "Ann")
    with pytest.raises(InvalidInputError):
        gallery.create_user("staff")
    names = [(user.user_id, user.name) for user in gallery.list_users("staff").users]
    assert names == [("ann", None), ("wei", "Zoë")]


def test_a_name_that_differs_only_in_case_is_refused_with_the_person_who_has_it(
    gallery: Gallery,
) -> None:
    gallery.create_user("staff", "e-1", name="Zoë")
    gallery.create_user("staff", "bob", name="Bob")
    faces = [index(gallery, "cyd", shot) for shot in range(3)]
    gallery.associate_faces("staff", "bob", faces[:2], min_similarity=0.0)
    gallery.cluster_faces("staff")
    (cluster,) = gallery.list_clusters("staff").clusters
    for change in (
        lambda: gallery.create_user("staff", name="zoë"),
        lambda: gallery.create_user("staff", "e-2", name=unicodedata.normalize("NFD", "ZOË")),
        lambda: gallery.rename_user("staff", "bob", "zoë"),
        lambda: gallery.split_user("staff", "bob", faces[:1], "e-2", name="zOË"),
        lambda: gallery.name_cluster("staff", cluster.cluster_id, "e-2", name="zoë"),
    ):
        with pytest.raises(UserNameExistsError, match=r"in a different case: e-1 \(Zoë\)"):
            change()
    assert {user.user_id for user in gallery.list_users("staff").users} == {"e-1", "bob"}
    # a person's own name in other case, and a name in other case somewhere else
    assert gallery.rename_user("staff", "e-1", "ZOË").name == "ZOË"
    gallery.create_collection("guests")
    assert gallery.create_user("guests", name="zoë").name == "zoë"
    assert gallery.create_user("staff", name="zoë", any_case=True).name == "zoë"


def test_an_erased_person_leaves_no_name(gallery: Gallery) -> None:
    gallery.create_user("staff", "wei", name="张伟")
    assert gallery.select("staff", SubjectKind.USER, "wei").user_names == {"张伟"}
    assert gallery.export("staff", SubjectKind.USER, "wei").to_json()["people"][0]["name"] == "张伟"
    gallery.erase("staff", SubjectKind.USER, "wei")
    gallery.create_user("staff", "other", name="张伟")


class KilledError(Exception):
    """Stands for the end of the process."""


class KilledAfter:
    """A store of records whose process ends after a number of writes."""

    def __init__(self, records: RecordStore, writes: int) -> None:
        self._records, self.left = records, writes

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the store's own
        method = getattr(self._records, name)
        if not name.startswith(("create_", "delete_", "move_", "mark_", "add_", "remove_", "set_")):
            return method

        def write(*values: object, **named: object) -> object:
            if not self.left:
                raise KilledError
            self.left -= 1
            return method(*values, **named)

        return write


def two_people(gallery: Gallery) -> tuple[str, str]:
    """Create ``ann`` with two faces and ``bob`` with one; return her second face and his."""
    faces = [index(gallery, "ann"), index(gallery, "ann", shot=1), index(gallery, "bob")]
    for user_id, own in (("ann", faces[:2]), ("bob", faces[2:])):
        gallery.create_user("staff", user_id, name=user_id.title())
        gallery.associate_faces("staff", user_id, own)
    return faces[1], faces[2]


def owners(gallery: Gallery) -> dict[str, str | None]:
    return {face.record.face_id: face.user_id for face in gallery.list_faces("staff").faces}


@pytest.mark.parametrize("writes", range(6))
def test_a_killed_merge_loses_no_face_and_is_completed_by_the_next(
    collaborators: Collaborators, gallery: Gallery, writes: int
) -> None:
    two_people(gallery)
    killed = KilledAfter(collaborators.records, writes)
    with suppress(KilledError):
        replace(collaborators, records=killed).gallery().merge_users("staff", "ann", "bob")
    assert set(owners(gallery).values()) <= {"ann", "bob"}
    with suppress(UserNotFoundError):
        gallery.merge_users("staff", "ann", "bob")
    assert set(owners(gallery).values()) == {"ann"}
    assert [user.user_id for user in gallery.list_users("staff").users] == ["ann"]


@pytest.mark.parametrize("writes", range(4))
def test_a_killed_split_loses_no_face_and_can_be_repeated(
    collaborators: Collaborators, gallery: Gallery, writes: int
) -> None:
    moved, _ = two_people(gallery)
    killed = KilledAfter(collaborators.records, writes)
    with suppress(KilledError):
        replace(collaborators, records=killed).gallery().split_user("staff", "ann", [moved], "bea")
    assert set(owners(gallery).values()) <= {"ann", "bea", "bob"}
    with suppress(FaceInUseError):
        gallery.split_user("staff", "ann", [moved], "bea")
    assert owners(gallery)[moved] == "bea"
    assert len(gallery.describe_user("staff", "ann").face_ids) == 1


def test_what_cannot_be_merged_or_split_changes_nothing(gallery: Gallery) -> None:
    moved, of_bob = two_people(gallery)
    before = gallery.list_users("staff").users
    everything = gallery.describe_user("staff", "ann").face_ids
    for error, change in (
        (InvalidInputError, lambda: gallery.merge_users("staff", "ann", "ann")),
        (UserNotFoundError, lambda: gallery.merge_users("staff", "ann", "cyd")),
        (InvalidInputError, lambda: gallery.split_user("staff", "ann", [], "cyd")),
        (InvalidInputError, lambda: gallery.split_user("staff", "ann", everything, "cyd")),
        (InvalidInputError, lambda: gallery.split_user("staff", "ann", [moved], of_bob)),
        (FaceInUseError, lambda: gallery.split_user("staff", "ann", [of_bob], "cyd")),
        (UserExistsError, lambda: gallery.split_user("staff", "ann", [moved], "bob")),
        (
            UserNameExistsError,
            lambda: gallery.split_user("staff", "ann", [moved], "cyd", name="Bob"),
        ),
    ):
        with pytest.raises(error):
            change()
        assert gallery.list_users("staff").users == before
