"""Access keys of our own: what Rekognition clients sign their requests with."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair and what it allows.

    Attributes:
        access_key_id: 20 capital letters and digits, no secret.
        secret: 40 characters; never shown in a repr.
        collections: the collections that it may use; empty: all.
        writes: whether it may change anything.
        note: the issuer's own words about it.
        created_at: seconds since 1970, UTC.
    """

    access_key_id: str
    secret: str = field(repr=False)
    collections: tuple[str, ...]
    writes: bool
    note: str
    created_at: float


class AccessKeyStore(Protocol):
    """Keeps access keys with their secrets."""

    def put_access_key(self, key: AccessKey) -> None:
        """Keep a new key."""
        ...

    def get_access_key(self, access_key_id: str) -> AccessKey:
        """Return a key.

        Raises:
            AccessKeyNotFoundError: there is none of this id.
        """
        ...

    def list_access_keys(self) -> list[AccessKey]:
        """Return all keys in the order of their creation."""
        ...

    def delete_access_key(self, access_key_id: str) -> None:
        """Delete a key for good.

        Raises:
            AccessKeyNotFoundError: there is none of this id.
        """
        ...


ID_PREFIX = "FREC"
"""What the ids of facerec's own keys begin with; those of AWS begin with AKIA or ASIA."""


def new_access_key(collections: tuple[str, ...], *, writes: bool, note: str) -> AccessKey:
    """Make a key from the system's randomness: 80 bits of id, 240 of secret."""
    number = base64.b32encode(secrets.token_bytes(10)).decode()
    return AccessKey(
        access_key_id=ID_PREFIX + number,
        secret=base64.b64encode(secrets.token_bytes(30)).decode(),
        collections=collections,
        writes=writes,
        note=note,
        created_at=time.time(),
    )
