"""`facerec collections migrate`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, migration_results, presenting_migrations
from facerec.cli.machine_or_stack import here
from facerec.cli.numbers import FiniteRange
from facerec.cli.options import data_option, json_option, recipe_name, stack_option, yes_option
from facerec.cli.output import confirm, console, print_json, table
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.core.migrations import MigrationState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.cli import collection_migration_on_stack
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.migrating.migration_results import (
        FinishedMigration,
        MigratedCollection,
        MigrationStatus,
        MissingFace,
    )
else:
    collection_migration_on_stack = DeferredModule("facerec.cli.collection_migration_on_stack")

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


@dataclass(frozen=True)
class _Drop:
    """Whether to delete faces that cannot be described, up to which share, and without asking."""

    missing: bool
    limit_percentage: float
    confirmed: bool


@dataclass(frozen=True)
class _Step:
    """The step of a migration that the options name."""

    recipe: str | None
    dry_run: bool
    show: bool
    rollback: bool
    finish: bool


@dataclass(frozen=True)
class _Progress:
    """Shows the progress of a migration, and asks before faces are deleted."""

    collection_id: str
    confirmed: bool = True

    def on_page(self, done: int, faces: int) -> None:
        if done < faces:
            console(stderr=True).print(f"{done:,} of {count(faces, 'face')}", style="dim")

    def on_missing(self, missing: Sequence[MissingFace]) -> None:
        _print_missing(missing, err=True)

    def on_drop(self, missing: Sequence[MissingFace]) -> None:
        if not self.confirmed:
            _confirm_drop(count(len(missing), "face"), self.collection_id)


@click.command()
@click.argument("name")
@click.option("--recipe", type=recipe_name, help="Recipe of the faces, after the migration.")
@click.option("--dry-run", is_flag=True, help="Change nothing: check the photos of all faces.")
@click.option(
    "--drop-missing",
    is_flag=True,
    help="Delete faces that cannot be described again, including those of people, for good "
    "(with --recipe or --rollback).",
)
@click.option(
    "--drop-limit",
    "drop_limit_percentage",
    type=FiniteRange(0, 100),
    default=PRUNE_LIMIT_PERCENTAGE,
    show_default=True,
    metavar="PERCENT",
    help="Percentage of faces that may be deleted; if more cannot be described, --drop-missing is "
    "refused.",
)
@yes_option
@click.option("--status", "show", is_flag=True, help="Show the progress of the migration.")
@click.option(
    "--rollback", is_flag=True, help="Serve the earlier version again, and remove the new one."
)
@click.option("--finish", is_flag=True, help="Remove the earlier version, for good.")
@data_option
@stack_option
@json_option
def migrate(
    name: str,
    recipe: str | None,
    dry_run: bool,
    drop_missing: bool,
    drop_limit_percentage: float,
    yes: bool,
    show: bool,
    rollback: bool,
    finish: bool,
    data: Path | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Move a collection to another recipe, and so to another model version.

    Name exactly one of --recipe, --status, --rollback and --finish. With --recipe, all faces are
    described again, from their original photos. While this is done, the collection serves its
    present version; then it switches at once. Face ids, people, corrections and the history stay.
    After an interruption, run the command again. The earlier version is kept until --finish, so
    that --rollback can return to it.

    \b
    Examples:
      facerec collections migrate staff --recipe accurate --dry-run
      facerec collections migrate staff --recipe accurate
      facerec collections migrate staff --status
      facerec collections migrate staff --rollback
      facerec collections migrate staff --finish
      facerec collections migrate staff --recipe accurate --stack facerec
    """
    step = _Step(recipe, dry_run, show, rollback, finish)
    drop = _Drop(drop_missing, drop_limit_percentage, yes)
    _check_usage(step, drop)
    if stack is not None:
        _print_of_stack(_run_on_stack(stack, name, step, drop), as_json=as_json)
        return
    with factory.open_gallery(data_folder(data)) as gallery:
        if show:
            _print_status(gallery.migration_status(name), as_json=as_json)
        elif finish:
            _print_end(gallery.finish_migration(name), None, as_json=as_json)
        elif rollback:
            _roll_back(gallery, name, drop, as_json=as_json)
        elif recipe is not None and dry_run:
            _print_missing_photos(gallery, name, recipe, as_json=as_json)
        elif recipe is not None:
            _migrate(gallery, name, recipe, drop, as_json=as_json)


def _check_usage(step: _Step, drop: _Drop) -> None:
    """Check that the options of the command go together."""
    if sum((step.recipe is not None, step.show, step.rollback, step.finish)) != 1:
        raise click.UsageError("specify exactly one of --recipe, --status, --rollback and --finish")
    if step.dry_run and (step.recipe is None or drop.missing):
        raise click.UsageError("--dry-run requires --recipe, and excludes --drop-missing")
    if drop.missing and step.recipe is None and not step.rollback:
        raise click.UsageError("--drop-missing requires --recipe or --rollback")
    if drop.confirmed and not drop.missing:
        raise click.UsageError("--yes requires --drop-missing")


def _confirm_drop(faces: str, collection_id: str) -> None:
    confirm(f"delete {faces} of collection {collection_id} that cannot be described, for good?")


def _run_on_stack(stack: str, name: str, step: _Step, drop: _Drop) -> dict[str, Any]:
    """Run a step for a collection of a stack; return it as in ``schemas/migration.json``."""
    migration = collection_migration_on_stack.StackMigration(stack, name)
    if step.show:
        return migration.status()
    if step.finish:
        return migration.finish()
    if step.dry_run and step.recipe is not None:
        return migration.check(step.recipe)
    if drop.missing and not drop.confirmed:
        _confirm_drop("the faces", name)
    return migration.run(
        step.recipe, drop_missing=drop.missing, drop_limit_percentage=drop.limit_percentage
    )


def _print_of_stack(shown: dict[str, Any], *, as_json: bool) -> None:
    """Print the migration of a collection of a stack (``migration.json``)."""
    if as_json:
        print_json(shown)
        return
    out, name = console(), shown["collection_id"]
    _print_missing(
        [
            migration_results.MissingFace(
                **{**face, "reason": migration_results.MissingReason(face["reason"])}
            )
            for face in shown.get("missing", ())
        ]
    )
    if shown.get("deleted"):
        out.print(f"{count(shown['deleted'], 'face')} deleted that could not be described")
    if shown["state"] is not None:
        started_at = datetime.fromisoformat(shown["started_at"]).timestamp()
        fields = {each.name for each in dataclasses.fields(migration_results.MigrationStatus)}
        status = {
            **{name: value for name, value in shown.items() if name in fields},
            "state": MigrationState(shown["state"]),
            "started_at": started_at,
        }
        _print_status(migration_results.MigrationStatus(**status), as_json=False)
        return
    out.print(f"collection {name} serves {shown['model_version']}")
    if shown.get("removed"):
        out.print(f"{count(shown['removed'], 'embedding')} of the other version removed")
    if shown.get("job_embeddings") or shown.get("dropped"):
        out.print(
            f"{count(shown['job_embeddings'], 'embedding')} in job folders replaced, and "
            f"{shown['dropped']:,} removed whose faces the collection does not have"
        )


def _migrate(gallery: Gallery, name: str, recipe: str, drop: _Drop, *, as_json: bool) -> None:
    migrated = gallery.migrate(
        name,
        recipe,
        drop_missing=drop.missing,
        drop_limit_percentage=drop.limit_percentage,
        listener=_Progress(name, drop.confirmed),
    )
    _print_status(migrated.status, migrated, as_json=as_json)


def _roll_back(gallery: Gallery, name: str, drop: _Drop, *, as_json: bool) -> None:
    rolled_back = gallery.roll_back_migration(
        name,
        drop_missing=drop.missing,
        drop_limit_percentage=drop.limit_percentage,
        listener=_Progress(name, drop.confirmed),
    )
    finished = migration_results.FinishedMigration(rolled_back.status, rolled_back.removed)
    _print_end(finished, rolled_back, as_json=as_json)


def _print_missing_photos(gallery: Gallery, name: str, recipe: str, *, as_json: bool) -> None:
    looked = gallery.migrate(name, recipe, dry_run=True, listener=_Progress(name))
    status = looked.status
    if as_json:
        print_json(_document(status, looked))
        return
    _print_missing(looked.missing)
    left = status.faces - status.ready - len(looked.missing)
    console().print(
        f"{count(left, 'face')} of {status.faces:,} can be described with {recipe}; "
        f"already described: {status.ready:,}"
    )


def _print_status(
    status: MigrationStatus, migrated: MigratedCollection | None = None, *, as_json: bool
) -> None:
    if as_json:
        print_json(_document(status, migrated))
        return
    name, out = status.collection_id, console()
    _print_deleted(migrated)
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


def _print_end(
    finished: FinishedMigration, migrated: MigratedCollection | None, *, as_json: bool
) -> None:
    if as_json:
        print_json({**presenting_migrations.finished_json(finished), **_described_json(migrated)})
        return
    out, status = console(), finished.status
    _print_deleted(migrated)
    out.print(f"collection {status.collection_id} serves {status.model_version}")
    out.print(f"{count(finished.removed, 'embedding')} of the other version removed")
    if finished.job_embeddings or finished.dropped:
        out.print(
            f"{count(finished.job_embeddings, 'embedding')} in job folders replaced, and "
            f"{finished.dropped:,} removed whose faces the collection does not have"
        )


def _print_missing(missing: Sequence[MissingFace], *, err: bool = False) -> None:
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


def _print_deleted(migrated: MigratedCollection | None) -> None:
    if migrated is not None and migrated.missing:
        faces = count(len(migrated.missing), "face")
        console().print(f"{faces} deleted that could not be described")


def _document(status: MigrationStatus, migrated: MigratedCollection | None) -> dict[str, Any]:
    return {**presenting_migrations.migration_json(status), **_described_json(migrated)}


def _described_json(migrated: MigratedCollection | None) -> dict[str, Any]:
    if migrated is None:
        return {}
    missing = [presenting_migrations.missing_json(each) for each in migrated.missing]
    return {"described": migrated.described, "missing": missing}
