"""Page tokens: where a listing goes on, opaque to clients and valid for a day.

A token carries the last name of the page before, so the server keeps nothing. Names have up to
255 characters and Rekognition's ``NextToken`` no more than 255, so they are packed as the digits
of one number (67 values a character make 194 bytes of the longest name).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from facerec.errors import InvalidPageTokenError

LIFETIME = 24 * 3600.0
"""Seconds for which a token is good."""

LONGEST_TOKEN = 255

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:"
"""The characters of the names of collections, users and faces."""

_CHECK_SIZE = 4
_HEADER = struct.Struct(">I")


def page_token(listing: str, after: str, now: float) -> str:
    """Return a token of at most 255 characters.

    Args:
        listing: what is listed; the token is good for nothing else.
        after: the last name of the page before.
        now: seconds since 1970.
    """
    content = _HEADER.pack(int(now)) + _pack(after)
    content += _check(listing, content)
    token = "a" + base64.urlsafe_b64encode(content).decode()
    return token if len(token) <= LONGEST_TOKEN else "b" + base64.b85encode(content).decode()


def read_page_token(listing: str, token: str, now: float) -> str:
    """Return the name behind which a listing goes on.

    Raises:
        InvalidPageTokenError: the token is another listing's, damaged or too old.
    """
    decode = {"a": base64.urlsafe_b64decode, "b": base64.b85decode}.get(token[:1])
    if decode is None or len(token) > LONGEST_TOKEN:
        raise InvalidPageTokenError
    try:
        content = decode(token[1:].encode())
    except (ValueError, binascii.Error) as error:
        raise InvalidPageTokenError from error
    content, check = content[:-_CHECK_SIZE], content[-_CHECK_SIZE:]
    if len(content) < _HEADER.size or check != _check(listing, content):
        raise InvalidPageTokenError
    (made,) = _HEADER.unpack_from(content)
    if not 0 <= now - made <= LIFETIME + 1:
        raise InvalidPageTokenError
    return _unpack(content[_HEADER.size :])


def _check(listing: str, content: bytes) -> bytes:
    # guards against mistakes, not against forgery: a position is no secret and gives no right
    return hashlib.blake2b(
        listing.encode() + b"\0" + content, digest_size=_CHECK_SIZE, person=b"facerec page"
    ).digest()


def _pack(name: str) -> bytes:
    number = 0
    for character in name:
        # 0 is no digit, so that the number keeps how many there are
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
