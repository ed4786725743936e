"""Migrations of collections as plain dictionaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.gallery.migrating.migration_results import (
        FinishedMigration,
        MigrationPage,
        MigrationStatus,
        MissingFace,
    )
    from facerec.gallery.presenting.faces import Json


def migration_json(status: MigrationStatus) -> Json:
    """Present the progress of a migration (``migration.json``)."""
    started_at = status.started_at
    return {
        **asdict(status),
        "state": None if status.state is None else str(status.state),
        "started_at": None if started_at is None else iso_time(started_at),
    }


def finished_json(finished: FinishedMigration) -> Json:
    """Present the end of a migration (``migration.json``)."""
    return {
        **migration_json(finished.status),
        "removed": finished.removed,
        "job_embeddings": finished.job_embeddings,
        "dropped": finished.dropped,
    }


def migration_page_json(page: MigrationPage) -> Json:
    """Present a page of faces that were prepared (``migration-page.json``)."""
    return {
        "collection_id": page.collection_id,
        "described": page.described,
        "missing": [missing_json(face) for face in page.missing],
        "next_token": page.next_token,
    }


def missing_json(face: MissingFace) -> Json:
    """Present a face that cannot be described with the other version."""
    return {**asdict(face), "reason": str(face.reason)}
