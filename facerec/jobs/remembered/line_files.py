"""Writes files of lines in the memory, unless an erasure has revoked their reservation.

A file of merged runs, or of cancelled photos, repeats lines that its writer has read, and an
erasure may remove these lines in the meantime. So the writer first reserves the file: it writes a
token instead of lines. Then it reads the lines, and replaces the token on condition that no other
process has changed it. An erasure revokes the reservations that it finds, and checks all files
until it finds nothing to erase. Then no file contains an erased photo, and no later file will,
since it can only repeat these files.

A reservation that a killed process left contains no lines; the next merge deletes it.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from facerec.errors import ObjectNotFoundError
from facerec.storage.objects.changing import change_object

if TYPE_CHECKING:
    from pathlib import Path

    from facerec.storage.objects.protocol import ObjectStore

RESERVED_BYTES = 8
"""Size of a reservation. Any line is longer."""

_SUFFIXES = ("-merged", "-gone")


class Reservation(NamedTuple):
    """A file that is reserved for writing, and the version of its token."""

    uri: str
    version: str


def new_token() -> str:
    """Return text that makes the name or the content of a file different from all others."""
    return secrets.token_hex(RESERVED_BYTES // 2)


def is_reservation(uri: str, size: int) -> bool:
    """Return whether a file is a reservation, or one that was revoked."""
    return uri.endswith(_SUFFIXES) and size <= RESERVED_BYTES


def reserve(objects: ObjectStore, uri: str) -> Reservation:
    """Reserve a file that does not exist, before reading the lines that it will repeat."""
    while True:
        token = new_token().encode()
        objects.write(uri, token)
        with suppress(ObjectNotFoundError):
            found, info = objects.fetch(uri, end=len(token) + 1)
            if found == token:
                return Reservation(uri, info.version)


def publish(objects: ObjectStore, reservation: Reservation, content: bytes | Path) -> bool:
    """Write a reserved file; return False if its reservation was revoked.

    Args:
        objects: Contains the file.
        reservation: The reservation.
        content: One or more lines, or a local file of any size with them.
    """
    try:
        if objects.replace(reservation.uri, content, version=reservation.version):
            return True
        # The file may have been written if the response was lost and the request was repeated.
        return objects.head(reservation.uri).size > RESERVED_BYTES
    except ObjectNotFoundError:
        return False


def revoke(objects: ObjectStore, uri: str) -> None:
    """Delete a reservation, so that its file is not written; do nothing if it has been written.

    Only a change of its content is certain to be noticed: a local file may be deleted while it is
    being replaced.

    Raises:
        StoreUnavailableError: Other processes keep changing the file.
    """

    def change(content: bytes) -> tuple[bytes, bool]:
        is_reserved = len(content) <= RESERVED_BYTES
        return (b"" if is_reserved else content), is_reserved

    with suppress(ObjectNotFoundError):
        if change_object(objects, uri, change):
            objects.delete(uri)
