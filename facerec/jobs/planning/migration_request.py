"""The request to migrate a collection: the other kind of execution input besides jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.core.schemas import check
from facerec.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """The request to migrate a collection to another model version, or to cancel a migration.

    Attributes:
        collection_id: The collection.
        recipe: The recipe that it will have; None to cancel.
        drop_missing: Whether to delete, permanently, the faces that cannot be described again.
        drop_limit_percentage: 0 to 100, the share of faces that may be deleted.
    """

    collection_id: str
    recipe: str | None
    drop_missing: bool = False
    drop_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return asdict(self)


def asks_for_migration(document: object) -> bool:
    """Return whether an execution input, not validated yet, requests or cancels a migration."""
    return isinstance(document, Mapping) and "migrate" in document


def read_migration_request(document: object) -> MigrationRequest:
    """Parse an execution input (``schemas/migration-input.json``).

    Raises:
        InvalidInputError: The message names the invalid field.
    """
    check("migration-input", document, "the execution input")
    assert isinstance(document, Mapping)  # noqa: S101 - the schema says so
    roll_back, recipe = document.get("roll_back", False), document.get("recipe")
    if roll_back == (recipe is not None):
        raise InvalidInputError(
            'the execution input must have either "recipe" or "roll_back": true',
            "name the recipe that the collection will have, or roll back",
        )
    return MigrationRequest(
        document["collection_id"],
        recipe,
        document.get("drop_missing", False),
        document.get("drop_limit_percentage", PRUNE_LIMIT_PERCENTAGE),
    )
