"""Copies of tombstones, kept outside the store of records in case it is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TombstoneCopy:
    """The tombstones of an erasure, in their stored form, or the photos whose faces a job removed.

    Attributes:
        erasure_id: The erasure, or the removal.
        erased_at: Time of the erasure or removal, in seconds since 1970.
        key: The key of the collection's tombstones.
        places: Texts of tombstones, by keyed hash of the photo.
        people: Keyed hashes of ids and names of erased people. They are not in the store, where a
            person of that id may be created again.
        removed: Keyed hashes of the image keys of photos that had no face left.
        moved: Keyed hashes of the new faces to which people and corrections of removed faces went,
            by keyed hash of the removed face.
    """

    erasure_id: str
    erased_at: float
    key: bytes
    places: Mapping[str, frozenset[str]]
    people: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    moved: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be restored."""
        return not (self.places or self.people or self.removed)

    def to_json(self) -> dict[str, Any]:
        """Return the copy as JSON values."""
        return {
            "erasure_id": self.erasure_id,
            "erased_at": self.erased_at,
            "key": self.key.hex(),
            "places": {photo: sorted(texts) for photo, texts in self.places.items()},
            "people": sorted(self.people),
            "removed": sorted(self.removed),
            "moved": dict(self.moved),
        }


def copy_from_json(document: Mapping[str, Any]) -> TombstoneCopy:
    """Return the copy that ``TombstoneCopy.to_json`` returned as JSON values."""
    return TombstoneCopy(
        document["erasure_id"],
        document["erased_at"],
        bytes.fromhex(document["key"]),
        {photo: frozenset(texts) for photo, texts in document["places"].items()},
        # earlier releases did not store these
        frozenset(document.get("people", ())),
        frozenset(document.get("removed", ())),
        document.get("moved", {}),
    )
