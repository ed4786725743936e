"""Access keys that Rekognition clients use to sign their requests."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair and its permissions.

    Attributes:
        access_key_id: 20 capital letters and digits; not secret.
        secret: 40 characters; the ``repr`` of the key does not contain them.
        collections: Collections that the key can use; empty for all.
        writes: Whether the key can change data.
        note: A remark by the person who issued the key.
        created_at: Seconds since 1970, UTC.
    """

    access_key_id: str
    secret: str = field(repr=False)
    collections: tuple[str, ...]
    writes: bool
    note: str
    created_at: float


ID_PREFIX = "FREC"
"""Prefix of the ids of facerec's keys; the ids of AWS's keys begin with AKIA or ASIA."""


def new_access_key(collections: tuple[str, ...], *, writes: bool, note: str) -> AccessKey:
    """Create a key from the system's random bits: 80 for the id, and 240 for the secret."""
    number = base64.b32encode(secrets.token_bytes(10)).decode()
    return AccessKey(
        access_key_id=ID_PREFIX + number,
        secret=base64.b64encode(secrets.token_bytes(30)).decode(),
        collections=collections,
        writes=writes,
        note=note,
        created_at=time.time(),
    )
