"""New photos are matched against registered people: which faces make an event, and which none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.events import MatchEvent
from facerec.errors import InvalidInputError, InvalidPageTokenError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.registrations import YEAR

ANN = fake_face("ann", away=0.2, shot=7)


@pytest.fixture(autouse=True)
def ann(gallery: Gallery, today: None) -> None:
    """Register Ann, who has a photo."""
    del today
    person(gallery, "ann")
    gallery.register_user("staff", "ann", **YEAR)


def person(gallery: Gallery, name: str, away: float = 0.0) -> None:
    (face,) = gallery.index("staff", fake_photo(fake_face(name, away=away))).faces
    gallery.create_user("staff", name)
    gallery.associate_faces("staff", name, [face.record.face_id])


def events(gallery: Gallery) -> list[MatchEvent]:
    return [kept.event for kept in gallery.list_events("staff").events]


def test_a_new_photo_of_a_registered_person_makes_one_event(gallery: Gallery) -> None:
    photo = fake_photo(ANN, fake_face("zoe", left=0.6))
    indexed = gallery.index("staff", photo, external_image_id="gate:1")
    face = indexed.faces[0].record
    (event,) = events(gallery)
    assert (event.collection_id, event.user_id) == ("staff", "ann")
    assert (event.face_id, event.image_id) == (face.face_id, indexed.image_id)
    assert (event.external_image_id, event.photo) == ("gate:1", "")
    assert 0.94 < event.similarity < 1
    assert event.matched_at == gallery._clock()


def test_the_same_photo_again_makes_no_second_event(gallery: Gallery) -> None:
    for _ in range(2):
        gallery.index("staff", fake_photo(ANN))
    assert len(events(gallery)) == 1


def test_a_photo_that_is_not_repeated_makes_no_second_event(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(ANN), external_image_id="gate:1")
    gallery.index("staff", fake_photo(ANN), repeat_photo=False)
    assert len(events(gallery)) == 1


def test_a_search_that_also_indexes_makes_the_event_too(gallery: Gallery) -> None:
    gallery.search("staff", fake_photo(ANN))
    assert events(gallery) == []
    gallery.search("staff", fake_photo(ANN), index=True)
    assert len(events(gallery)) == 1


def test_photos_from_before_the_registration_make_no_event(gallery: Gallery) -> None:
    person(gallery, "bea")
    gallery.index("staff", fake_photo(fake_face("bea", away=0.2, shot=3)))
    gallery.register_user("staff", "bea", **YEAR)
    gallery.index("staff", fake_photo(fake_face("bea", away=0.2, shot=3)))
    assert events(gallery) == []


def test_strangers_and_people_who_are_not_registered_make_no_event(gallery: Gallery) -> None:
    person(gallery, "bea")
    for name in ("bea", "cyd", "dan"):
        gallery.index("staff", fake_photo(fake_face(name, away=0.1, shot=9)))
    assert events(gallery) == []


def test_a_face_that_resembles_somebody_else_about_as_much_makes_no_event(
    gallery: Gallery,
) -> None:
    gallery.index("staff", fake_photo(ANN, note="before"))
    assert len(events(gallery)) == 1
    (face,) = gallery.index("staff", fake_photo(fake_face("ann", away=0.1, shot=5))).faces
    gallery.create_user("staff", "twin")
    gallery.associate_faces("staff", "twin", [face.record.face_id])
    known = len(events(gallery))
    gallery.index("staff", fake_photo(ANN, note="after"))
    assert len(events(gallery)) == known


def test_only_a_strict_match_makes_an_event(gallery: Gallery) -> None:
    far = fake_face("ann", away=0.52, shot=2)
    (searched,) = gallery.search("staff", fake_photo(far)).faces
    assert searched.decision == "match"
    gallery.index("staff", fake_photo(far))
    assert events(gallery) == []


def test_nobody_matches_twice_in_a_photo(gallery: Gallery) -> None:
    twice = fake_photo(fake_face("ann", away=0.3, left=0.6), fake_face("ann", away=0.05, shot=4))
    indexed = gallery.index("staff", twice)
    best = max(indexed.faces, key=lambda face: face.record.box.left < 0.5)
    assert [event.face_id for event in events(gallery)] == [best.record.face_id]


def test_each_registered_person_of_a_photo_makes_an_event(gallery: Gallery) -> None:
    person(gallery, "bea")
    gallery.register_user("staff", "bea", **YEAR)
    gallery.index("staff", fake_photo(ANN, fake_face("bea", away=0.1, left=0.6)))
    assert {event.user_id for event in events(gallery)} == {"ann", "bea"}


def test_nothing_matches_from_the_moment_that_the_consent_ends(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    collaborators.clock.now = datetime(2027, 11, 26, tzinfo=UTC).timestamp() - 1
    gallery.index("staff", fake_photo(ANN, note="in time"))
    assert len(events(gallery)) == 1
    collaborators.clock.now += 1
    gallery.index("staff", fake_photo(ANN, note="too late"))
    assert len(events(gallery)) == 1


def test_nothing_matches_who_is_no_longer_registered(gallery: Gallery) -> None:
    gallery.unregister_user("staff", "ann")
    gallery.index("staff", fake_photo(ANN))
    assert events(gallery) == []


def test_a_registered_person_without_faces_matches_nothing(gallery: Gallery) -> None:
    gallery.create_user("staff", "empty")
    gallery.register_user("staff", "empty", **YEAR)
    gallery.index("staff", fake_photo(ANN))
    assert [event.user_id for event in events(gallery)] == ["ann"]


def test_a_face_that_was_deleted_and_comes_back_makes_the_same_event_again(
    gallery: Gallery,
) -> None:
    (face,) = gallery.index("staff", fake_photo(ANN)).faces
    (event,) = events(gallery)
    gallery.delete_faces("staff", [face.record.face_id])
    assert events(gallery) == []
    gallery.index("staff", fake_photo(ANN))
    assert [each.event_id for each in events(gallery)] == [event.event_id]


def test_events_are_erased_with_the_person(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(ANN))
    gallery.erase("staff", SubjectKind.USER, "ann")
    assert events(gallery) == []


def test_a_subject_access_request_has_the_events(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(ANN))
    (kept,) = gallery.export("staff", SubjectKind.USER, "ann").to_json()["events"]
    assert kept["event"]["user_id"] == "ann"


def test_events_are_listed_in_pages(gallery: Gallery) -> None:
    for number in range(3):
        gallery.index("staff", fake_photo(ANN, note=str(number)))
        gallery._clock.now += 1  # type: ignore[attr-defined]
    known = events(gallery)
    first = gallery.list_events("staff", limit=2)
    rest = gallery.list_events("staff", limit=2, next_token=first.next_token)
    assert [kept.event for page in (first, rest) for kept in page.events] == known
    assert rest.next_token is None
    with pytest.raises(InvalidPageTokenError):
        gallery.list_events("staff", undelivered=True, next_token=first.next_token)
    with pytest.raises(InvalidInputError):
        gallery.list_events("staff", limit=501)


def test_no_event_has_a_vector_or_a_name_in_its_repr(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(ANN), external_image_id="Ann_Lee:1")
    (event,) = events(gallery)
    assert "Ann_Lee" not in repr(event)
    assert set(event.to_json()) == {
        "event_id",
        "collection_id",
        "user_id",
        "face_id",
        "image_id",
        "external_image_id",
        "photo",
        "similarity",
        "matched_at",
    }
