"""Prints the migrations of collections, of this machine or of a stack."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

from facerec.cli.deferred import migration_results, presenting_migrations
from facerec.cli.machine_or_stack import here
from facerec.cli.output import console, print_json, table
from facerec.core.counts import count
from facerec.core.migrations import MigrationState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.gallery.migrating.migration_results import (
        FinishedMigration,
        MigratedCollection,
        MigrationStatus,
        MissingFace,
    )

MAX_SHOWN = 20
"""Maximum number of missing faces to list; `--dry-run --json` lists all."""

_REASONS = {
    "NO_ADDRESS": "its photo was sent as bytes, or it was imported without one",
    "PHOTO_GONE": "its photo is gone",
    "ACCESS_DENIED": "its photo may not be read",
    "READ_FAILED": "its photo cannot be read",
    "PHOTO_CHANGED": "another photo is in its place",
    "UNREADABLE": "its photo cannot be decoded",
    "NOT_FOUND_AGAIN": "no face is found at its position",
}


def print_of_stack(shown: dict[str, Any], *, as_json: bool) -> None:
    """Print the migration of a collection of a stack (``migration.json``)."""
    if as_json:
        print_json(shown)
        return
    print_missing(
        [
            migration_results.MissingFace(
                **{**face, "reason": migration_results.MissingReason(face["reason"])}
            )
            for face in shown.get("missing", ())
        ]
    )
    _print_deleted(shown.get("deleted", 0))
    if shown["state"] is not None:
        started_at = datetime.fromisoformat(shown["started_at"]).timestamp()
        fields = {each.name for each in dataclasses.fields(migration_results.MigrationStatus)}
        status = {
            **{name: value for name, value in shown.items() if name in fields},
            "state": MigrationState(shown["state"]),
            "started_at": started_at,
        }
        print_status(migration_results.MigrationStatus(**status), as_json=False)
        return
    _print_served(
        shown["collection_id"],
        shown["model_version"],
        removed=shown.get("removed") or None,
        job_embeddings=shown.get("job_embeddings", 0),
        dropped=shown.get("dropped", 0),
    )


def print_check(checked: MigratedCollection, recipe: str, *, as_json: bool) -> None:
    """Print which faces can be described with another recipe, and which cannot."""
    status = checked.status
    if as_json:
        print_json(_document(status, checked))
        return
    print_missing(checked.missing)
    left = status.faces - status.ready - len(checked.missing)
    console().print(
        f"{left:,} of {count(status.faces, 'face')} can be described with {recipe}; "
        f"already described: {status.ready:,}"
    )


def print_status(
    status: MigrationStatus, migrated: MigratedCollection | None = None, *, as_json: bool
) -> None:
    """Print the progress of a migration, with the faces that were deleted."""
    if as_json:
        print_json(_document(status, migrated))
        return
    name, out = status.collection_id, console()
    _print_deleted_of(migrated)
    if status.state is None:
        out.print(f"collection {name} is not being migrated; it has {status.model_version}")
        return
    faces = f"{status.ready:,} of {count(status.faces, 'face')}"
    if status.state is MigrationState.PREPARING:
        out.print(f"collection {name} serves {status.model_version}")
        out.print(f"described with {status.standby_version} too: {faces}")
        out.print("`--recipe` continues the migration, `--rollback` cancels it", style="dim")
    elif status.state is MigrationState.SWITCHED:
        out.print(f"collection {name} serves {status.model_version} now")
        out.print(f"{faces} can be served with {status.standby_version} again")
        if status.standby_threshold is not None and status.threshold is None:
            out.print(
                f"the threshold {status.standby_threshold:g} was chosen for that version; "
                + here("`facerec calibrate` measures one for this version")
            )
        out.print("`--rollback` returns to it, `--finish` removes it for good", style="dim")
    else:
        out.print(f"the earlier version of collection {name} is being removed")
        out.print("run the command again with `--finish`", style="dim")


def print_end(
    finished: FinishedMigration, migrated: MigratedCollection | None, *, as_json: bool
) -> None:
    """Print how a migration ended."""
    if as_json:
        print_json({**presenting_migrations.finished_json(finished), **_described_json(migrated)})
        return
    _print_deleted_of(migrated)
    _print_served(
        finished.status.collection_id,
        finished.status.model_version,
        removed=finished.removed,
        job_embeddings=finished.job_embeddings,
        dropped=finished.dropped,
    )


def _print_served(
    collection_id: str,
    model_version: str,
    *,
    removed: int | None,
    job_embeddings: int,
    dropped: int,
) -> None:
    """Print the version that a collection serves, and what was removed of the other one.

    Args:
        collection_id: The collection.
        model_version: The version that it serves.
        removed: Number of removed embeddings; None if no migration has ended just now.
        job_embeddings: Number of replaced embeddings in job folders.
        dropped: Number of removed embeddings in job folders.
    """
    out = console()
    out.print(f"collection {collection_id} serves {model_version}")
    if removed is not None:
        out.print(f"{count(removed, 'embedding')} of the other version removed")
    if job_embeddings or dropped:
        out.print(
            f"{count(job_embeddings, 'embedding')} in job folders replaced, and "
            f"{dropped:,} removed, since the collection does not have their faces"
        )


def print_missing(missing: Sequence[MissingFace], *, err: bool = False) -> None:
    """Print faces that cannot be described, and why."""
    if not missing:
        return
    rows = table("face id", "photo", "person", "why", whole=("face id",))
    for face in missing[:MAX_SHOWN]:
        rows.add_row(
            face.face_id,
            face.external_image_id or "-",
            face.user_id or "-",
            _REASONS[face.reason],
        )
    out = console(stderr=True) if err else console()
    out.print(rows)
    if len(missing) > MAX_SHOWN:
        out.print(f"and {len(missing) - MAX_SHOWN:,} more; --dry-run --json lists all")


def _print_deleted_of(migrated: MigratedCollection | None) -> None:
    if migrated is not None:
        _print_deleted(len(migrated.missing))


def _print_deleted(faces: int) -> None:
    if faces:
        console().print(f"{count(faces, 'face')} deleted that could not be described")


def _document(status: MigrationStatus, migrated: MigratedCollection | None) -> dict[str, Any]:
    return {**presenting_migrations.migration_json(status), **_described_json(migrated)}


def _described_json(migrated: MigratedCollection | None) -> dict[str, Any]:
    if migrated is None:
        return {}
    missing = [presenting_migrations.missing_json(each) for each in migrated.missing]
    return {"described": migrated.described, "missing": missing}
