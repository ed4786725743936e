"""Users and their faces: no search returns somebody whose faces are gone."""

from __future__ import annotations

from typing import Any

import pytest

from facerec.core.ids import group_of
from facerec.errors import InvalidInputError, QuotaExceededError, UserNotFoundError
from facerec.gallery.collection_results import DeletionFailureReason
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.associations import AssociationFailureReason
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

ANN = fake_photo(fake_face("ann"))


def index(gallery: Gallery, person: str, **settings: object) -> str:
    (face,) = gallery.index("staff", fake_photo(fake_face(person, **settings))).faces
    return face.record.face_id


@pytest.fixture
def ann(gallery: Gallery) -> str:
    """The id of the one face of the user ``ann``."""
    face_id = index(gallery, "ann")
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    return face_id


def users_found(gallery: Gallery) -> list[str]:
    return [match.user.user_id for match in gallery.search_users_by_photo("staff", ANN).matches]


@pytest.mark.parametrize(("limit", "more"), [(1, True), (2, False), (3, False), (500, False)])
def test_a_search_reports_whether_there_are_more_users(
    gallery: Gallery, ann: str, limit: int, more: bool
) -> None:
    for number in (1, 2):
        twin = index(gallery, "ann", away=0.1, shot=number)
        gallery.create_user("staff", f"twin-{number}")
        gallery.associate_faces("staff", f"twin-{number}", [twin])
    by_user = gallery.search_users_by_user("staff", "ann", limit=limit)
    assert (len(by_user.matches), by_user.more_matches) == (min(limit, 2), more)
    for found in (
        (
            gallery.search_users_by_face("staff", ann, limit=limit + 1),
            gallery.search_users_by_photo("staff", ANN, limit=limit + 1),
        )
        if limit < 500
        else ()
    ):
        assert (len(found.matches), found.more_matches) == (min(limit + 1, 3), more)


def test_a_face_of_a_user_is_not_deleted(
    gallery: Gallery, collaborators: Collaborators, ann: str
) -> None:
    (failure,) = gallery.delete_faces("staff", [ann]).failed
    assert failure.reason is DeletionFailureReason.ASSOCIATED_TO_AN_EXISTING_USER
    assert failure.user_id == "ann"
    assert users_found(gallery) == ["ann"]
    # what jobs keep of a face that stays, stays as well
    assert collaborators.job_data.forgotten == []


def test_a_face_that_is_disassociated_first_is_deleted_and_its_user_is_not_found(
    gallery: Gallery, collaborators: Collaborators, ann: str
) -> None:
    deletion = gallery.delete_faces("staff", [ann], disassociate=True)
    assert (deletion.deleted, deletion.failed) == ((ann,), ())
    assert users_found(gallery) == []
    assert collaborators.job_data.forgotten == [("staff", [ann])]
    assert [user.face_ids for user in gallery.list_users("staff").users] == [()]


def test_a_user_whose_faces_were_replaced_is_not_found(
    gallery: Gallery, collaborators: Collaborators, ann: str
) -> None:
    # as a job does that indexes the photo again with other options
    collaborators.faces.put_images("staff", {group_of(ann): []})
    assert users_found(gallery) == []


def test_a_user_that_lost_a_face_is_compared_by_the_others(
    gallery: Gallery, collaborators: Collaborators, ann: str
) -> None:
    other = index(gallery, "ann", away=0.3, shot=1)
    gallery.associate_faces("staff", "ann", [other])
    collaborators.faces.put_images("staff", {group_of(ann): []})
    (match,) = gallery.search_users_by_photo("staff", ANN).matches
    assert match.distance == pytest.approx(0.3, abs=1e-5)


def test_a_face_deleted_while_it_is_associated_is_refused(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = index(gallery, "ann")
    gallery.create_user("staff", "ann")
    store, change_user = collaborators.faces, collaborators.records.change_user

    def delete_first(*arguments: object, **settings: object) -> object:
        store.delete_faces("staff", [face_id])
        return change_user(*arguments, **settings)

    collaborators.records.change_user = delete_first
    outcome = gallery.associate_faces("staff", "ann", [face_id])
    assert outcome.changed == ()
    assert [failure.reasons for failure in outcome.failed] == [
        (AssociationFailureReason.FACE_NOT_FOUND,)
    ]
    assert users_found(gallery) == []


def test_a_face_associated_while_it_is_deleted_leaves_its_user(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = index(gallery, "ann")
    gallery.create_user("staff", "ann")
    delete_faces = collaborators.faces.delete_faces

    def associate_first(collection_id: str, face_ids: list[str]) -> list[str]:
        gallery.associate_faces("staff", "ann", [face_id])
        return delete_faces(collection_id, face_ids)

    collaborators.faces.delete_faces = associate_first
    assert gallery.delete_faces("staff", [face_id]).deleted == (face_id,)
    assert users_found(gallery) == []
    assert [user.face_ids for user in gallery.list_users("staff").users] == [()]


def test_a_user_deleted_while_a_face_is_associated_leaves_no_vector(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = index(gallery, "ann")
    gallery.create_user("staff", "ann")
    set_vector_version = collaborators.records.set_vector_version

    def delete_first(*arguments: object) -> object:
        gallery.delete_user("staff", "ann")
        return set_vector_version(*arguments)

    collaborators.records.set_vector_version = delete_first
    with pytest.raises(UserNotFoundError):
        gallery.associate_faces("staff", "ann", [face_id])
    assert collaborators.faces.vectors.count_vectors("staff/users") == 0


def test_a_full_user_ignores_faces_that_it_has(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    ids = [index(gallery, "ann", away=0.01, shot=shot) for shot in range(101)]
    gallery.associate_faces("staff", "ann", ids[:100])
    outcome = gallery.associate_faces("staff", "ann", ids[:1])
    assert (outcome.changed, outcome.failed) == ((), ())
    with pytest.raises(QuotaExceededError):
        gallery.associate_faces("staff", "ann", ids[100:])


@pytest.mark.parametrize("similarity", [-1, 2, float("nan"), "x", None])
def test_the_minimum_similarity_of_an_association_is_a_number_from_0_to_1(
    gallery: Gallery,
    similarity: Any,  # noqa: ANN401
) -> None:
    (face,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    gallery.create_user("staff", "ann")
    with pytest.raises(InvalidInputError, match="out of range"):
        gallery.associate_faces("staff", "ann", [face.record.face_id], min_similarity=similarity)
    assert gallery.list_faces("staff", user_id="ann").faces == ()


def test_arguments_of_a_wrong_kind_are_invalid_input(gallery: Gallery) -> None:
    wrong: Any = "person"
    with pytest.raises(InvalidInputError, match="'person' cannot be selected"):
        gallery.erase("staff", wrong, "ann")
    gallery.create_user("staff", "ann")
    with pytest.raises(InvalidInputError, match="must be a list of face ids"):
        gallery.associate_faces("staff", "ann", "00000000-0000-8000-8000-000000000000")
    with pytest.raises(InvalidInputError, match="must not be empty"):
        gallery.list_users("staff", name_contains="")
    with pytest.raises(UserNotFoundError):
        gallery.resolve_user("staff", "")
