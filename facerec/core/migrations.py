"""Migrations of collections to another model version.

During a migration, a collection has two sets of embeddings under the same face ids: one for the
version that is served, and one for the other version, which is on standby. The switch exchanges the
two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.core.counts import count
from facerec.errors import ConflictError, MigrationError, MigrationRemedy

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord

MAX_SIDES = 256
"""Maximum number of sides of a collection (see ``facerec.storage.generations``), enough for about
80 migrations."""


class MigrationState(StrEnum):
    """State of the migration of a collection."""

    PREPARING = "PREPARING"
    """The first version is served; faces are described with the new one."""

    SWITCHED = "SWITCHED"
    """The new version is served; the first one is kept, so that the switch can be undone."""

    FINISHING = "FINISHING"
    """The first version is being removed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration that is not finished.

    Attributes:
        collection_id: The collection.
        standby_version: Model version of the embeddings that are not served.
        state: State of the migration.
        started_at: Seconds since 1970, UTC.
        threshold: Default minimum similarity of the collection while the standby version is served;
            None for the gallery's default.
    """

    collection_id: str
    standby_version: str
    state: MigrationState
    started_at: float
    threshold: float | None = None


def is_same_face(standby: FaceRecord, served: FaceRecord) -> bool:
    """Return whether a standby face is the served one, described with another model version."""
    return standby == replace(served, model_version=standby.model_version, stats=standby.stats)


def migration_ended(collection_id: str) -> ConflictError:
    """Return the error for a migration that another process has ended or switched."""
    return ConflictError(
        f"another process has switched or ended the migration of {collection_id!r}",
        "check its status",
    )


def faces_lacking(collection_id: str, lacking: int, faces: int) -> MigrationError:
    """Return the error for served faces that the version to be served does not have yet.

    Args:
        collection_id: The collection.
        lacking: Number of such faces.
        faces: Number of all served faces.
    """
    return MigrationError(
        f"{lacking:,} of {count(faces, 'face')} of {collection_id!r} "
        f"{'is' if lacking == 1 else 'are'} not yet described "
        "with the new version",
        MigrationRemedy.PREPARE,
    )
