"""The settings of a collection that are also kept outside the record store, as a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

IMPORT_TAG = "facerec:import"
"""Key of the tag of a collection whose import is not finished; its value is the digest of the
export."""

IMPORTED_TAG = "facerec:imported"
"""Key of the tag of a collection whose import is finished; its value is the digest of the export.
Exports omit it."""

IMPORT_TAGS = frozenset((IMPORT_TAG, IMPORTED_TAG))
"""Tags that only an import sets and removes; no interface shows them."""


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """The threshold and the tags of a collection; the retention is one of the tags."""

    threshold: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {"threshold": self.threshold, "tags": dict(self.tags)}


def settings_to_keep(threshold: float | None, tags: Mapping[str, str]) -> CollectionSettings:
    """Return the settings of a collection, without the tags of its import.

    A collection that is restored from job folders lacks faces and people that were only imported,
    so the same import must not count as complete.
    """
    own = {name: value for name, value in tags.items() if name not in IMPORT_TAGS}
    return CollectionSettings(threshold, own)


def settings_from_json(document: Mapping[str, Any]) -> CollectionSettings:
    """Return the settings that ``CollectionSettings.to_json`` returned as JSON values."""
    return CollectionSettings(document["threshold"], document["tags"])
