from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.errors import InvalidInputError, InvalidPageTokenError
from facerec.gallery.gallery import Gallery
from facerec.gallery.paging import LIFETIME, MAX_TOKEN, page_token, read_page_token
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

NOW = 1_800_000_000.25
names = st.text(st.sampled_from("abcXYZ0123456789_.-:"), min_size=1, max_size=255)


@given(names)
def test_a_token_returns_its_name(name: str) -> None:
    token = page_token("collections", name, NOW)
    assert len(token) <= MAX_TOKEN
    assert read_page_token("collections", token, NOW + 60) == name


@pytest.mark.parametrize("name", ["z" * 255, ":" * 255, "a" * 255, "a", "9" * 36])
def test_the_longest_names_fit(name: str) -> None:
    token = page_token("collections", name, NOW)
    assert len(token) <= MAX_TOKEN
    assert read_page_token("collections", token, NOW) == name


def test_a_token_expires() -> None:
    token = page_token("collections", "staff", NOW)
    assert read_page_token("collections", token, NOW + LIFETIME - 1) == "staff"
    with pytest.raises(InvalidPageTokenError):
        read_page_token("collections", token, NOW + LIFETIME + 2)
    with pytest.raises(InvalidPageTokenError):
        read_page_token("collections", token, NOW - 10)


def test_a_token_is_valid_for_its_own_listing_only() -> None:
    with pytest.raises(InvalidPageTokenError):
        read_page_token("users of staff", page_token("collections", "staff", NOW), NOW)


@given(st.text(max_size=300))
def test_a_text_that_is_not_a_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageTokenError):
        read_page_token("collections", text, NOW)


@given(names, st.integers(min_value=0), st.characters(max_codepoint=127))
def test_a_damaged_token_is_refused_or_returns_the_same_name(
    name: str, place: int, character: str
) -> None:
    token = page_token("collections", name, NOW)
    place %= len(token)
    damaged = token[:place] + character + token[place + 1 :]
    try:
        assert read_page_token("collections", damaged, NOW) == name
    except InvalidPageTokenError:
        assert damaged != token


LISTINGS: dict[str, Callable[[Gallery, int], object]] = {
    "collections": lambda gallery, limit: gallery.list_collections(limit=limit),
    "visible collections": lambda gallery, limit: gallery.list_collections(limit=limit, only={"a"}),
    "faces": lambda gallery, limit: gallery.list_faces("staff", limit=limit),
    "users": lambda gallery, limit: gallery.list_users("staff", limit=limit),
    "matches": lambda gallery, limit: gallery.search("staff", fake_photo(), limit=limit),
    "matches of a face": lambda gallery, limit: gallery.search_face("staff", "f", limit=limit),
    "users of a face": lambda gallery, limit: gallery.search_users_by_face(
        "staff", "f", limit=limit
    ),
    "users of a user": lambda gallery, limit: gallery.search_users_by_user(
        "staff", "u", limit=limit
    ),
    "pairs": lambda gallery, limit: gallery.compare(fake_photo(), fake_photo(), limit=limit),
    "users of a photo": lambda gallery, limit: gallery.search_users_by_photo(
        "staff", fake_photo(), limit=limit
    ),
}


@pytest.mark.parametrize("limit", [0, -1, 99_999, 5.5, True])
@pytest.mark.parametrize("listing", LISTINGS)
def test_every_limit_is_checked(gallery: Gallery, listing: str, limit: int) -> None:
    with pytest.raises(InvalidInputError, match="limit must be an integer from 1 to"):
        LISTINGS[listing](gallery, limit)


def prepare(gallery: Gallery) -> list[str]:
    """Store something for each listing, and return the ids of the faces of Ann."""
    gallery.create_collection("guests")
    faces = [
        gallery.index("staff", fake_photo(fake_face(name, away=0.1, shot=shot))).faces[0]
        for name in ("ann", "bea")
        for shot in range(3)
    ]
    ids = [face.record.face_id for face in faces]
    for number, user in enumerate(("ann", "bea")):
        gallery.create_user("staff", user, name=user.title())
        gallery.associate_faces("staff", user, ids[3 * number : 3 * number + 2])
    for face_id in ids[:2]:
        gallery.not_same("staff", face_id, "bea")
    return ids[:3]


Paged = Callable[[Gallery, str | None, list[str]], Any]
PAGED: dict[str, Paged] = {
    "collections": lambda gallery, token, _: gallery.list_collections(next_token=token, limit=1),
    "faces": lambda gallery, token, _: gallery.list_faces("staff", next_token=token, limit=1),
    "faces of a person": lambda gallery, token, _: gallery.list_faces(
        "staff", user_id="ann", next_token=token, limit=1
    ),
    "chosen faces": lambda gallery, token, ids: gallery.list_faces(
        "staff", face_ids=ids, next_token=token, limit=1
    ),
    "other faces": lambda gallery, token, ids: gallery.list_faces(
        "staff", face_ids=ids[:2], next_token=token, limit=1
    ),
    "chosen faces of a person": lambda gallery, token, ids: gallery.list_faces(
        "staff", user_id="ann", face_ids=ids, next_token=token, limit=1
    ),
    "people": lambda gallery, token, _: gallery.list_users("staff", next_token=token, limit=1),
    "people by name": lambda gallery, token, _: gallery.list_users(
        "staff", name_contains="a", next_token=token, limit=1
    ),
    "history": lambda gallery, token, _: gallery.list_history("staff", next_token=token, limit=1),
    "history of a person": lambda gallery, token, _: gallery.list_history(
        "staff", person="ann", next_token=token, limit=1
    ),
    "corrections": lambda gallery, token, _: gallery.list_corrections(
        "staff", next_token=token, limit=1
    ),
    "stats": lambda gallery, token, _: gallery.refresh_stats("staff", next_token=token, limit=1),
    "photos of a person": lambda gallery, token, _: gallery.find(
        "staff", user_id="ann", next_token=token, limit=1
    ),
    "photos of a face": lambda gallery, token, _: gallery.find(
        "staff", fake_photo(fake_face("ann")), next_token=token, limit=1
    ),
}


def test_a_token_of_another_request_is_refused_by_every_listing(gallery: Gallery) -> None:
    ids = prepare(gallery)
    tokens = {name: listing(gallery, None, ids).next_token for name, listing in PAGED.items()}
    assert all(tokens.values()), tokens
    for name, listing in PAGED.items():
        listing(gallery, tokens[name], ids[::-1] if "chosen" in name else ids)
        for other in PAGED.keys() - {name}:
            with pytest.raises(InvalidPageTokenError):
                listing(gallery, tokens[other], ids)


def test_a_token_is_not_valid_in_a_later_collection_of_the_name(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    ids = prepare(gallery)
    token = PAGED["faces"](gallery, None, ids).next_token
    gallery.delete_collection("staff")
    collaborators.clock.now += 1
    gallery.create_collection("staff")
    with pytest.raises(InvalidPageTokenError):
        PAGED["faces"](gallery, token, ids)
