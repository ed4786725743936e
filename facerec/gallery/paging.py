"""Page tokens: opaque positions in a listing, valid for a day.

A token holds the last name of the previous page, so the server stores nothing. Names have up to 255
characters, the same limit as Rekognition's ``NextToken``. Names are therefore packed as the digits
of one number: with 67 values per character, the longest name takes 194 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, InvalidPageTokenError

if TYPE_CHECKING:
    from facerec.core.records import Collection

LIFETIME = 24 * 3600.0
"""Seconds for which a token is valid."""

MAX_TOKEN = 255

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:"
"""Characters allowed in the names of collections, people and faces."""

_CHECK_SIZE = 4
_HEADER = struct.Struct(">I")


def checked_limit(limit: int, maximum: int) -> int:
    """Return the maximum number of entries of a page unchanged if it is valid.

    Raises:
        InvalidInputError: The number is not an integer from 1 to ``maximum``.
    """
    return checked_integer("limit", limit, maximum)


def checked_integer(name: str, value: int, maximum: int) -> int:
    """Return an argument unchanged if it is an integer in its range.

    Raises:
        InvalidInputError: The value is not an integer from 1 to ``maximum``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= maximum:
        raise InvalidInputError(f"{name} must be an integer from 1 to {maximum}, got {value!r}")
    return value


def listing_of(operation: str, collection: Collection, *filters: object) -> str:
    """Return a text that identifies a listing; its page tokens are valid for no other.

    Args:
        operation: Name of the operation that lists the entries.
        collection: The listed collection; tokens are not valid for a later one with the same id.
        *filters: Values that determine the entries or their order. Equal values must have equal
            ``repr``.
    """
    return repr((operation, collection.collection_id, collection.created_at, *filters))


def page_token(listing: str, after: str, now: float) -> str:
    """Return a token of at most 255 characters for the page that starts after a name.

    Args:
        listing: Identifies the listing; the token is only valid for it.
        after: Last name on the page.
        now: Current time in seconds since 1970.
    """
    content = _HEADER.pack(int(now)) + _pack(after)
    content += _check(listing, content)
    token = "a" + base64.urlsafe_b64encode(content).decode()
    return token if len(token) <= MAX_TOKEN else "b" + base64.b85encode(content).decode()


def read_page_token(listing: str, token: str, now: float) -> str:
    """Return the name after which a page starts.

    Raises:
        InvalidPageTokenError: The token belongs to another listing, is damaged, or has expired.
    """
    decode = {"a": base64.urlsafe_b64decode, "b": base64.b85decode}.get(token[:1])
    if decode is None or len(token) > MAX_TOKEN:
        raise InvalidPageTokenError
    try:
        content = decode(token[1:].encode())
    except (ValueError, binascii.Error) as error:
        raise InvalidPageTokenError from error
    content, check = content[:-_CHECK_SIZE], content[-_CHECK_SIZE:]
    if len(content) < _HEADER.size or check != _check(listing, content):
        raise InvalidPageTokenError
    (created,) = _HEADER.unpack_from(content)
    if not 0 <= now - created <= LIFETIME + 1:
        raise InvalidPageTokenError
    return _unpack(content[_HEADER.size :])


def _check(listing: str, content: bytes) -> bytes:
    # guards against mistakes, not against forgery: a position grants no access
    return hashlib.blake2b(
        listing.encode() + b"\0" + content, digest_size=_CHECK_SIZE, person=b"facerec page"
    ).digest()


def _pack(name: str) -> bytes:
    number = 0
    for character in name:
        # digits start at 1, so that the number keeps the length of the name
        number = number * (len(_ALPHABET) + 1) + _ALPHABET.index(character) + 1
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _unpack(packed: bytes) -> str:
    number = int.from_bytes(packed, "big")
    characters = []
    while number:
        number, digit = divmod(number, len(_ALPHABET) + 1)
        if not digit:
            raise InvalidPageTokenError
        characters.append(_ALPHABET[digit - 1])
    return "".join(reversed(characters))
