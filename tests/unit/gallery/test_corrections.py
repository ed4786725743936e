"""Faces that were said not to show a person."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from facerec.core.records import Correction
from facerec.errors import (
    AmbiguousPersonError,
    CollectionNotFoundError,
    FaceInUseError,
    FaceNotFoundError,
    InvalidInputError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.search.decision import Decision
from facerec.gallery.subjects import corrected_name
from facerec.testing.engine import fake_face, fake_photo

NEAR_BOTH = fake_photo(fake_face("ann", away=0.2, shot=9))


def index(gallery: Gallery, name: str | None, *, away: float = 0.1, shot: int = 0) -> str:
    """Index a photo that resembles ann and return the id of its face."""
    photo = fake_photo(fake_face("ann", away=away, shot=shot))
    (face,) = gallery.index("staff", photo, external_image_id=name).faces
    return face.record.face_id


def named(gallery: Gallery, photo: bytes, **settings: float) -> list[str]:
    (face,) = gallery.search("staff", photo, **settings).faces
    return [match.face.face_id for match in face.matches]


def test_a_probe_that_resembles_the_corrected_face_more_is_not_named_as_the_person(
    gallery: Gallery,
) -> None:
    ann = index(gallery, "ann:1", away=0.3, shot=1)
    twin = index(gallery, None, away=0.0)
    assert set(named(gallery, NEAR_BOTH)) == {twin, ann}
    gallery.not_same("staff", twin, "ann")
    assert named(gallery, NEAR_BOTH) == [twin]
    assert gallery.lift_correction("staff", twin, "ann")
    assert set(named(gallery, NEAR_BOTH)) == {twin, ann}
    assert not gallery.lift_correction("staff", twin, "ann")


def test_a_probe_that_resembles_the_person_more_still_finds_both(gallery: Gallery) -> None:
    ann = index(gallery, "ann:1", away=0.0)
    twin = index(gallery, "twin:1", away=0.3, shot=1)
    gallery.not_same("staff", twin, "ann")
    assert named(gallery, NEAR_BOTH) == [ann, twin]


@pytest.mark.parametrize("person", ["ann", "ann:1"])
def test_a_search_for_a_corrected_face_finds_nobody_it_is_not(
    gallery: Gallery, person: str
) -> None:
    ann = index(gallery, "ann:1", away=0.3, shot=1)
    twin = index(gallery, None, away=0.0)
    gallery.not_same("staff", twin, person)
    assert gallery.search_face("staff", twin).matches == ()
    assert gallery.search_face("staff", ann).matches == ()


def test_hidden_faces_do_not_hide_that_there_are_more_matches(gallery: Gallery) -> None:
    """One hundred neighbours are scored at first; here corrections hide half of them."""
    twin = index(gallery, None, away=0.0)
    for shot in range(60):
        index(gallery, "ann", away=0.1, shot=shot)
    for shot in range(60, 120):
        index(gallery, "bob", away=0.2, shot=shot)
    gallery.not_same("staff", twin, "ann")
    probe = fake_photo(fake_face("ann"))
    for limit, more in ((59, True), (60, True), (61, False), (4096, False)):
        (face,) = gallery.search("staff", probe, limit=limit).faces
        assert (len(face.matches), face.more_matches) == (min(limit, 61), more)
        found = gallery.search_face("staff", twin, limit=limit)
        assert (len(found.matches), found.more_matches) == (min(limit, 60), limit < 60)


def test_hidden_people_do_not_hide_that_there_are_more_matches(gallery: Gallery) -> None:
    twin = index(gallery, None, away=0.0)
    for number in range(120):
        gallery.create_user("staff", f"person-{number}")
        face_id = index(gallery, None, away=0.1 if number < 60 else 0.2, shot=number)
        gallery.associate_faces("staff", f"person-{number}", [face_id], min_similarity=0.0)
        if number < 60:
            gallery.not_same("staff", twin, f"person-{number}")
    for limit, more in ((59, True), (60, False), (500, False)):
        found = gallery.search_users_by_face("staff", twin, limit=limit)
        assert (len(found.matches), found.more_matches) == (min(limit, 60), more)


def test_a_person_without_a_name_is_one_face(gallery: Gallery) -> None:
    first, second, third = (index(gallery, None, shot=shot) for shot in range(3))
    gallery.not_same("staff", first, second)
    assert [match.face.face_id for match in gallery.search_face("staff", first).matches] == [third]


def test_two_faces_of_a_correction_are_two_people(gallery: Gallery) -> None:
    """Without the correction, they match each other, and so count as one person's."""
    first, second = index(gallery, None, shot=1), index(gallery, None, shot=2)
    (face,) = gallery.search("staff", NEAR_BOTH).faces
    assert face.decision is Decision.MATCH
    nearer = face.matches[0].face.face_id
    farther = second if nearer == first else first
    gallery.not_same("staff", farther, nearer)
    (face,) = gallery.search("staff", NEAR_BOTH).faces
    assert face.decision is Decision.AMBIGUOUS


def test_a_mislabelled_face_no_longer_counts_as_the_person_of_its_label(gallery: Gallery) -> None:
    wrong = index(gallery, "ann:1", away=0.0)
    index(gallery, "ann:2", away=0.3, shot=1)
    gallery.not_same("staff", wrong, "ann")
    assert named(gallery, NEAR_BOTH) == [wrong]


def test_searches_for_users_obey(gallery: Gallery) -> None:
    ann = index(gallery, "ann:1", away=0.3, shot=1)
    twin = index(gallery, None, away=0.0)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [ann])
    assert found_users(gallery, twin) == ["ann"]
    gallery.not_same("staff", twin, "ann")
    assert found_users(gallery, twin) == []
    assert gallery.search_users_by_photo("staff", NEAR_BOTH).matches == ()
    assert found_users(gallery, ann) == ["ann"]


def found_users(gallery: Gallery, face_id: str) -> Sequence[str]:
    matches = gallery.search_users_by_face("staff", face_id).matches
    return [match.user.user_id for match in matches]


def test_associating_a_face_with_a_user_lifts_the_correction(gallery: Gallery) -> None:
    face_id = index(gallery, None)
    gallery.create_user("staff", "ann")
    gallery.not_same("staff", face_id, "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    assert gallery.list_corrections("staff").corrections == ()
    with pytest.raises(FaceInUseError):
        gallery.not_same("staff", face_id, "ann")


def test_corrections_are_erased_with_the_face(gallery: Gallery) -> None:
    first, second = index(gallery, None), index(gallery, None, shot=1)
    gallery.create_user("staff", "ann")
    gallery.not_same("staff", first, "ann")
    gallery.not_same("staff", second, first)
    gallery.delete_faces("staff", [first])
    assert gallery.list_erasures("staff")[0].corrections == 2
    assert gallery.list_corrections("staff").corrections == ()


def test_corrections_are_erased_with_the_last_face_of_the_person(gallery: Gallery) -> None:
    anns = [index(gallery, f"ann:{shot}", shot=shot) for shot in range(2)]
    twin = index(gallery, "twin:1", shot=5)
    gallery.not_same("staff", twin, "ann")
    gallery.delete_faces("staff", anns[:1])
    assert gallery.list_corrections("staff").corrections == (Correction(twin, "ann"),)
    gallery.delete_faces("staff", anns[1:])
    assert gallery.list_corrections("staff").corrections == ()


def test_corrections_are_erased_with_the_user(gallery: Gallery) -> None:
    twin = index(gallery, None)
    gallery.create_user("staff", "ann")
    gallery.not_same("staff", twin, "ann")
    gallery.delete_user("staff", "ann")
    assert gallery.list_corrections("staff").corrections == ()


def test_pages_of_corrections_end_between_faces(gallery: Gallery) -> None:
    faces = sorted(index(gallery, None, shot=shot) for shot in range(3))
    for person in ("ann", "bob", "cyd"):
        gallery.create_user("staff", person)
    stated = [Correction(face, person) for face in faces for person in ("ann", "bob", "cyd")]
    for correction in stated:
        gallery.not_same("staff", correction.face_id, correction.person)
    for limit in (1, 4, 100):
        listed, token = [], None
        while True:
            page = gallery.list_corrections("staff", next_token=token, limit=limit)
            listed += page.corrections
            token = page.next_token
            if token is None:
                break
        assert listed == stated


def test_a_correction_about_nobody_is_refused_and_nothing_is_stated(gallery: Gallery) -> None:
    face_id = index(gallery, "ann:1")
    gallery.create_user("staff", "u1", name="Bob")
    for nobody in ("nobody", "Bob"):
        with pytest.raises(UserNotFoundError):
            gallery.not_same("staff", face_id, nobody)
    index(gallery, None, shot=1)
    gallery.cluster_faces("staff")
    (cluster,) = gallery.list_clusters("staff").clusters
    with pytest.raises(UserNotFoundError):
        gallery.not_same_cluster("staff", cluster.cluster_id, "nobody")
    assert gallery.list_corrections("staff").corrections == ()
    assert not gallery.is_corrected("staff", face_id, "u1")
    for known in ("u1", "ann", "ann:1"):
        gallery.not_same("staff", face_id, known)
        assert gallery.is_corrected("staff", face_id, known)


def test_a_correction_is_lifted_by_the_id_that_it_has_or_refused_as_ambiguous(
    gallery: Gallery,
) -> None:
    face_id = index(gallery, "Zoe:1")
    gallery.create_user("staff", "u1", name="Zoe")
    assert corrected_name(gallery, "staff", face_id, "Zoe") == "u1"
    gallery.not_same("staff", face_id, "Zoe")
    assert corrected_name(gallery, "staff", face_id, "Zoe") == "Zoe"
    gallery.not_same("staff", face_id, "u1")
    with pytest.raises(AmbiguousPersonError):
        corrected_name(gallery, "staff", face_id, "Zoe")
    assert corrected_name(gallery, "staff", face_id, "u1") == "u1"
    assert corrected_name(gallery, "staff", face_id, "gone") == "gone"


def test_what_a_correction_may_say_is_checked(gallery: Gallery) -> None:
    face_id = index(gallery, None)
    with pytest.raises(FaceNotFoundError):
        gallery.not_same("staff", "00000000-0000-8000-8000-000000000000", "ann")
    with pytest.raises(CollectionNotFoundError):
        gallery.not_same("nowhere", face_id, "ann")
    for person in ("", "ann smith", face_id):
        with pytest.raises(InvalidInputError):
            gallery.not_same("staff", face_id, person)
