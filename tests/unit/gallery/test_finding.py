"""All photos of somebody: every face in pages, with doubtful ones listed separately."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from facerec.errors import (
    AmbiguousPersonError,
    InvalidInputError,
    InvalidPageTokenError,
    NotFoundError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.search import finding, ranking
from facerec.gallery.search.found_faces import Doubt, FoundFace, FoundPage
from facerec.testing.engine import fake_embedding, fake_face, fake_photo

NOTES = count()
ANN = fake_photo(fake_face("ann"))


def index(gallery: Gallery, person: str, shot: int = 0, away: float = 0.1) -> str:
    photo = fake_photo(fake_face(person, away=away, shot=shot), note=str(next(NOTES)))
    (face,) = gallery.index("staff", photo).faces
    return face.record.face_id


def person(gallery: Gallery, user_id: str, *face_ids: str) -> None:
    gallery.create_user("staff", user_id, name=user_id.upper())
    if face_ids:
        gallery.associate_faces("staff", user_id, face_ids, min_similarity=0)


def ids(page: FoundPage) -> list[str]:
    return [each.match.face.face_id for each in page.found]


def everything(gallery: Gallery, limit: int, **sought: object) -> list[FoundFace]:
    pages = [gallery.find("staff", limit=limit, **sought)]  # type: ignore[arg-type]
    while pages[-1].next_token is not None:
        token = pages[-1].next_token
        pages.append(gallery.find("staff", limit=limit, next_token=token, **sought))  # type: ignore[arg-type]
    assert all(page.found for page in pages) or len(pages) == 1
    return [each for page in pages for each in page.found]


def test_all_photos_of_a_photo_s_person_are_found_most_similar_first(gallery: Gallery) -> None:
    own = [index(gallery, "ann", shot, away=0.1 + shot / 100) for shot in range(5)]
    index(gallery, "bob")
    page = gallery.find("staff", ANN)
    assert ids(page) == own
    assert page.next_token is None
    assert all(each.doubt is None for each in page.found)
    assert gallery.find("staff", ANN, doubtful=True).found == ()


def test_a_person_s_own_faces_are_found_and_those_of_others_are_not(gallery: Gallery) -> None:
    own, free, others = (index(gallery, "ann", shot) for shot in range(3))
    unlike = index(gallery, "zoe")
    person(gallery, "ann", own, unlike)
    person(gallery, "bob", others)
    assert set(ids(gallery.find("staff", user_id="ann"))) == {own, unlike}
    found = gallery.find("staff", user_id="ann", doubtful=True)
    # it resembles bob's face as much
    assert ids(found) == [free]
    assert found.found[0].doubt is Doubt.AMBIGUOUS
    assert found.user is not None
    assert found.user.name == "ANN"


def test_faces_below_the_threshold_are_doubtful(gallery: Gallery) -> None:
    near, far = index(gallery, "ann", away=0.1), index(gallery, "ann", away=0.54)
    assert ids(gallery.find("staff", ANN, doubtful_below=0.95)) == [near]
    (doubtful,) = gallery.find("staff", ANN, doubtful_below=0.95, doubtful=True).found
    assert doubtful.match.face.face_id == far
    assert doubtful.doubt is Doubt.LESS_SIMILAR
    assert ids(gallery.find("staff", ANN, doubtful_below=0.7)) == [near, far]


def test_the_threshold_grows_with_the_collection(gallery: Gallery) -> None:
    index(gallery, "ann")
    assert gallery.find("staff", ANN).doubtful_below == 0.8
    for number in range(300):
        index(gallery, f"stranger {number}")
    page = gallery.find("staff", ANN)
    assert page.doubtful_below > page.doubtful_from == 0.8
    assert gallery.find("staff", ANN, target_fmr=0.01).doubtful_below > page.doubtful_below


def test_a_face_of_somebody_else_than_the_photo_shows_is_doubtful(gallery: Gallery) -> None:
    own = index(gallery, "ann", away=0.01)
    other = index(gallery, "ann", away=0.4)
    person(gallery, "ann", own)
    person(gallery, "bob", other)
    assert ids(gallery.find("staff", ANN)) == [own]
    (doubtful,) = gallery.find("staff", ANN, doubtful=True).found
    assert doubtful.doubt is Doubt.OTHER_PERSON
    assert doubtful.match.person_name == "BOB"


def test_everything_is_doubtful_if_a_photo_may_show_two_people(gallery: Gallery) -> None:
    for user_id, shot in (("ann", 0), ("bob", 1)):
        person(gallery, user_id, index(gallery, "ann", shot))
    assert gallery.find("staff", ANN).found == ()
    doubts = [each.doubt for each in gallery.find("staff", ANN, doubtful=True).found]
    assert doubts == [Doubt.AMBIGUOUS] * 2


def test_a_face_that_does_not_show_the_person_is_never_found(gallery: Gallery) -> None:
    own, free, third = (index(gallery, "ann", shot) for shot in range(3))
    person(gallery, "ann", own)
    gallery.not_same("staff", free, "ann")
    gallery.not_same("staff", third, own)
    assert ids(gallery.find("staff", user_id="ann")) == [own]
    assert gallery.find("staff", user_id="ann", doubtful=True).found == ()


def test_a_photo_of_a_corrected_face_does_not_find_the_person(gallery: Gallery) -> None:
    corrected = index(gallery, "ann", away=0.01)
    own = index(gallery, "ann", away=0.3)
    person(gallery, "ann", own)
    assert ids(gallery.find("staff", ANN)) == [corrected, own]
    gallery.not_same("staff", corrected, "ann")
    assert ids(gallery.find("staff", ANN)) == [corrected]


@pytest.mark.parametrize("limit", [1, 7, 40, 4096])
@pytest.mark.parametrize("searched", [10, 1000])
def test_pages_of_any_size_have_every_face_once_and_in_order(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, limit: int, searched: int
) -> None:
    monkeypatch.setattr(ranking, "SEARCHED", searched)
    monkeypatch.setattr(ranking, "MAX_PAGE", 13)
    monkeypatch.setattr(ranking, "WINDOW", 11)
    monkeypatch.setattr(finding, "BATCH", 8)
    made = [index(gallery, "ann", shot, away=0.6 * (shot % 17) / 17) for shot in range(40)]
    person(gallery, "ann", *made[:3])
    typical = fake_embedding("ann")
    stored = gallery._faces.get_faces("staff", made)
    distance = {
        face.record.face_id: float(np.linalg.norm(face.embedding.astype(np.float64) - typical))
        for face in stored
    }
    certain = everything(gallery, limit, photo=ANN, doubtful_below=0.95)
    doubtful = everything(gallery, limit, photo=ANN, doubtful_below=0.95, doubtful=True)
    for faces in (certain, doubtful):
        found = [each.match.face.face_id for each in faces]
        assert found == sorted(found, key=lambda face: distance[face])
    both = [each.match.face.face_id for each in (*certain, *doubtful)]
    assert len(set(both)) == len(both)
    assert set(both) == {face for face in made if distance[face] < 0.547}
    assert certain
    assert doubtful


def test_a_token_belongs_to_its_request(gallery: Gallery) -> None:
    for shot in range(3):
        index(gallery, "ann", shot)
    token = gallery.find("staff", ANN, limit=1).next_token
    assert token is not None
    for other in (
        {"doubtful_below": 0.9},
        {"doubtful": True},
        {"face_number": 1, "doubtful_below": 0.7},
    ):
        with pytest.raises(InvalidPageTokenError):
            gallery.find("staff", ANN, next_token=token, **other)  # type: ignore[arg-type]


def test_each_face_of_a_photo_can_be_searched(gallery: Gallery) -> None:
    ann, bob = index(gallery, "ann"), index(gallery, "bob")
    pair = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6))
    assert ids(gallery.find("staff", pair)) == [ann]
    page = gallery.find("staff", pair, face_number=2)
    assert ids(page) == [bob]
    assert page.other_faces == 1
    with pytest.raises(NotFoundError, match="no face number 3: it has only 2 faces"):
        gallery.find("staff", pair, face_number=3)


def test_somebody_is_named_by_a_photo_or_by_a_person(gallery: Gallery) -> None:
    with pytest.raises(InvalidInputError):
        gallery.find("staff")
    with pytest.raises(InvalidInputError):
        gallery.find("staff", ANN, user_id="ann")


def test_a_person_without_faces_has_no_photos(gallery: Gallery) -> None:
    index(gallery, "ann")
    person(gallery, "ann")
    assert gallery.find("staff", user_id="ann").found == ()
    with pytest.raises(UserNotFoundError):
        gallery.find("staff", user_id="bob")


def test_a_person_is_named_by_id_or_display_name(gallery: Gallery) -> None:
    gallery.create_user("staff", "e-1", name="Zoë Müller")
    gallery.create_user("staff", "e-2", name="Wang Wei (Paris)")
    for text in ("e-1", "Zoë Müller", " Zoe\u0308 Müller "):
        assert gallery.resolve_user("staff", text).user_id == "e-1"
    with pytest.raises(UserNotFoundError) as missing:
        gallery.resolve_user("staff", "wang wei")
    assert missing.value.similar == ("e-2 (Wang Wei (Paris))",)
    gallery.create_user("staff", "e-3", name="e-1")
    with pytest.raises(AmbiguousPersonError, match=r"e-1 \(Zoë Müller\), e-3 \(e-1\)"):
        gallery.resolve_user("staff", "e-1")


def test_people_are_listed_by_a_part_of_their_name(gallery: Gallery) -> None:
    for user_id, name in (("a", "Zoë Müller"), ("b", "ZOË LEE"), ("zoë".encode().hex(), None)):
        gallery.create_user("staff", user_id, name=name)
    first = gallery.list_users("staff", name_contains="zoë", limit=1)
    second = gallery.list_users("staff", name_contains="zoë", limit=1, next_token=first.next_token)
    assert [user.user_id for user in (*first.users, *second.users)] == ["a", "b"]
    assert second.next_token is None
    assert gallery.list_users("staff", name_contains="7a6f").users[0].name is None


@pytest.mark.parametrize("number", [0, -1, 101, 1.5, True])
def test_the_number_of_a_face_is_1_to_100(gallery: Gallery, number: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidInputError, match="face_number must be an integer from 1 to 100"):
        gallery.find("staff", fake_photo(fake_face("ann")), face_number=number)
