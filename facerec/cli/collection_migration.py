"""`facerec collections migrate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli import collection_migration_shown as shown
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, migration_results
from facerec.cli.numbers import FiniteRange
from facerec.cli.options import data_option, json_option, recipe_name, stack_option, yes_option
from facerec.cli.output import confirm, console
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.cli import collection_migration_on_stack
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.migrating.migration_results import MissingFace
else:
    collection_migration_on_stack = DeferredModule("facerec.cli.collection_migration_on_stack")


@dataclass(frozen=True)
class _Drop:
    """Options for deleting faces that cannot be described: whether, how many, and unasked."""

    missing: bool
    limit_percentage: float
    confirmed: bool


@dataclass(frozen=True)
class _Step:
    """The step of a migration that the options of the command select."""

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
        shown.print_missing(missing, err=True)

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
    described again, from their original photos. Until then, the collection serves its current
    version; then it switches in one step. Face ids, people, corrections and the history are kept.
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
        shown.print_of_stack(_run_on_stack(stack, name, step, drop), as_json=as_json)
        return
    with factory.open_gallery(data_folder(data)) as gallery:
        if show:
            shown.print_status(gallery.migration_status(name), as_json=as_json)
        elif finish:
            shown.print_end(gallery.finish_migration(name), None, as_json=as_json)
        elif rollback:
            _roll_back(gallery, name, drop, as_json=as_json)
        elif recipe is not None and dry_run:
            _check_photos(gallery, name, recipe, as_json=as_json)
        elif recipe is not None:
            _migrate(gallery, name, recipe, drop, as_json=as_json)


def _check_usage(step: _Step, drop: _Drop) -> None:
    """Check that the options of the command may be combined."""
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
    """Run a step on a stack; return the migration in the form of ``schemas/migration.json``."""
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


def _migrate(gallery: Gallery, name: str, recipe: str, drop: _Drop, *, as_json: bool) -> None:
    migrated = gallery.migrate(
        name,
        recipe,
        drop_missing=drop.missing,
        drop_limit_percentage=drop.limit_percentage,
        listener=_Progress(name, drop.confirmed),
    )
    shown.print_status(migrated.status, migrated, as_json=as_json)


def _roll_back(gallery: Gallery, name: str, drop: _Drop, *, as_json: bool) -> None:
    rolled_back = gallery.roll_back_migration(
        name,
        drop_missing=drop.missing,
        drop_limit_percentage=drop.limit_percentage,
        listener=_Progress(name, drop.confirmed),
    )
    finished = migration_results.FinishedMigration(rolled_back.status, rolled_back.removed)
    shown.print_end(finished, rolled_back, as_json=as_json)


def _check_photos(gallery: Gallery, name: str, recipe: str, *, as_json: bool) -> None:
    checked = gallery.migrate(name, recipe, dry_run=True, listener=_Progress(name))
    shown.print_check(checked, recipe, as_json=as_json)
