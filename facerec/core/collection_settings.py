"""The settings of a collection that are also kept outside the record store, as a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """The threshold and the tags of a collection; the retention is one of the tags."""

    threshold: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {"threshold": self.threshold, "tags": dict(self.tags)}


def settings_from_json(document: Mapping[str, Any]) -> CollectionSettings:
    """Return the settings that ``CollectionSettings.to_json`` returned as JSON values."""
    return CollectionSettings(document["threshold"], document["tags"])
