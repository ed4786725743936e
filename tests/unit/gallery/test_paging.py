from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.errors import InvalidInputError, InvalidPageTokenError
from facerec.gallery.gallery import Gallery
from facerec.gallery.paging import LIFETIME, MAX_TOKEN, page_token, read_page_token
from facerec.testing.engine import fake_photo

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
