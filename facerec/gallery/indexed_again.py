"""Notes of photos that were indexed on purpose while an erasure of them is not finished.

An erasure that was killed, or that another process completes as on AWS, performs its steps again.
By then, a request may have indexed an erased photo again, and removed its tombstones. So the
request first notes the names of the photo beside the record of the erasure, and the erasure omits
these photos. The notes name nobody, since they are hashes, and are deleted with the record.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class IndexedAgain:
    """The names of photos that were indexed again since an erasure began; see ``__contains__``."""

    erasure_id: str
    digests: frozenset[str]

    def __contains__(self, name: object) -> bool:
        """Return whether a photo has this name: an image key, or the name of a tombstone."""
        return bool(self.digests) and _digest(self.erasure_id, str(name)) in self.digests


def note_indexed_again(
    erasure_id: str, names: Iterable[str], objects: ObjectStore, folder: str
) -> None:
    """Note the names of a photo; call this before its faces are stored.

    Args:
        erasure_id: The erasure that is not finished.
        names: Names of the photo: its image keys, and the names of its tombstones.
        objects: Store of the notes.
        folder: Folder of the records of unfinished erasures; ends in ``/``.
    """
    for name in names:
        objects.write(f"{folder}{erasure_id}-{_digest(erasure_id, name)}", b"")


def read_indexed_again(erasure_id: str, objects: ObjectStore, folder: str) -> IndexedAgain:
    """Return the photos that were noted for an erasure."""
    prefix = f"{folder}{erasure_id}-"
    return IndexedAgain(
        erasure_id, frozenset(found.uri.removeprefix(prefix) for found in objects.list(prefix))
    )


def forget_indexed_again(erasure_id: str, objects: ObjectStore, folder: str) -> None:
    """Delete the notes of an erasure that is finished."""
    for found in list(objects.list(f"{folder}{erasure_id}-")):
        objects.delete(found.uri)


def _digest(erasure_id: str, name: str) -> str:
    named = f"{erasure_id}\0{name}"
    # Addresses of files may be invalid UTF-8.
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()
