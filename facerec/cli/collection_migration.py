"""`facerec collections migrate`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_migrations
from facerec.cli.options import data_option, json_option, recipe_name, yes_option
from facerec.cli.output import console, count, print_json, table
from facerec.core.batches import batches
from facerec.core.migrations import MigrationState
from facerec.errors import ConflictError, MigrationError

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.migrating.results import (
        FinishedMigration,
        MigrationStatus,
        MissingFace,
    )

Result = TypeVar("Result")

FACES_AT_ONCE = 100
"""Number of faces to describe between two lines of progress."""

MAX_SHOWN = 20
"""Number of missing faces to list; `--dry-run --json` lists all."""

MAX_PASSES = 5
"""Number of times to look for faces that were added while others were described."""

_REASONS = {
    "NO_ADDRESS": "its photo was sent as bytes, or it was imported without one",
    "PHOTO_GONE": "its photo is gone",
    "ACCESS_DENIED": "its photo may not be read",
    "PHOTO_CHANGED": "another photo is in its place",
    "UNREADABLE": "its photo cannot be decoded",
    "NOT_FOUND_AGAIN": "no face is found at its position",
}


@dataclass
class _Prepared:
    """Faces that were described, and those that could not be, in all passes over a collection."""

    described: int = 0
    missing: list[MissingFace] = field(default_factory=list)


@dataclass(frozen=True)
class _Drop:
    """Whether to delete faces that cannot be described, and whether that was confirmed already."""

    missing: bool
    confirmed: bool


@click.command()
@click.argument("name")
@click.option("--recipe", type=recipe_name, help="Recipe of the faces, after the migration.")
@click.option("--dry-run", is_flag=True, help="Change nothing: look for the photos of all faces.")
@click.option(
    "--drop-missing",
    is_flag=True,
    help="Delete faces that cannot be described again, also those of people, for good "
    "(with --recipe or --rollback).",
)
@yes_option
@click.option("--status", "show", is_flag=True, help="Show how far the migration is.")
@click.option(
    "--rollback", is_flag=True, help="Serve the earlier version again, and remove the new one."
)
@click.option("--finish", is_flag=True, help="Remove the earlier version, for good.")
@data_option
@json_option
def migrate(
    name: str,
    recipe: str | None,
    dry_run: bool,
    drop_missing: bool,
    yes: bool,
    show: bool,
    rollback: bool,
    finish: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Move a collection to another recipe, and so to another model version.

    All faces are described again, from their original photos. While this is done, the collection
    serves its present version; then it switches at once. Face ids, people, corrections and the
    history stay. After an interruption, run the command again. The earlier version is kept until
    --finish, so that --rollback can return to it.

    \b
    Examples:
      facerec collections migrate staff --recipe accurate --dry-run
      facerec collections migrate staff --recipe accurate
      facerec collections migrate staff --status
      facerec collections migrate staff --rollback
      facerec collections migrate staff --finish
    """
    if sum((recipe is not None, show, rollback, finish)) != 1:
        raise click.UsageError("specify one of --recipe, --status, --rollback and --finish")
    if dry_run and (recipe is None or drop_missing):
        raise click.UsageError("--dry-run requires --recipe, and excludes --drop-missing")
    if drop_missing and recipe is None and not rollback:
        raise click.UsageError("--drop-missing requires --recipe or --rollback")
    if yes and not drop_missing:
        raise click.UsageError("--yes requires --drop-missing")
    drop = _Drop(drop_missing, yes)
    with factory.open_gallery(data_folder(data)) as gallery:
        if show:
            _print_status(gallery.migration_status(name), as_json=as_json)
        elif finish:
            _print_end(gallery.finish_migration(name), None, as_json=as_json)
        elif rollback:
            _roll_back(gallery, name, drop, as_json=as_json)
        elif dry_run:
            _print_missing_photos(gallery, name, recipe, as_json=as_json)
        else:
            _migrate(gallery, name, recipe, drop, as_json=as_json)


def _migrate(
    gallery: Gallery, name: str, recipe: str | None, drop: _Drop, *, as_json: bool
) -> None:
    def prepare(done: _Prepared) -> None:
        if gallery.migration_status(name).state is not MigrationState.SWITCHED:
            _prepare_all(gallery, name, recipe, drop, done)
        elif _can_prepare(gallery, name, recipe):
            raise MigrationError(
                f"collection {name!r} was switched from this recipe",
                "return to it with --rollback",
            )

    prepared = _Prepared()
    status = _repeat(prepare, lambda: gallery.switch_version(name), prepared)
    _print_status(status, prepared, as_json=as_json)


def _can_prepare(gallery: Gallery, name: str, recipe: str | None) -> bool:
    """Return whether a collection that was switched had this recipe before."""
    try:
        gallery.prepare_migration(name, recipe, limit=1, dry_run=True)
    except MigrationError:
        return False
    return True


def _roll_back(gallery: Gallery, name: str, drop: _Drop, *, as_json: bool) -> None:
    def prepare(done: _Prepared) -> None:
        if gallery.migration_status(name).state is MigrationState.SWITCHED:
            _prepare_all(gallery, name, None, drop, done)

    prepared = _Prepared()
    finished = _repeat(prepare, lambda: gallery.cancel_migration(name), prepared)
    _print_end(finished, prepared, as_json=as_json)


def _repeat(
    prepare: Callable[[_Prepared], None], change: Callable[[], Result], done: _Prepared
) -> Result:
    """Prepare faces and change the served version; repeat if faces were added in the meantime."""
    for _ in range(MAX_PASSES - 1):
        prepare(done)
        with suppress(ConflictError, MigrationError):
            return change()
    prepare(done)
    return change()


def _prepare_all(
    gallery: Gallery, name: str, recipe: str | None, drop: _Drop, done: _Prepared
) -> None:
    """Describe all faces with the other version; delete the others if the options allow it.

    Raises:
        MigrationError: Faces cannot be described, and the options do not allow deleting them.
    """
    found = _prepare(gallery, name, recipe, dry_run=False)
    done.described += found.described
    if not found.missing:
        return
    denied = [face for face in found.missing if face.reason == "ACCESS_DENIED"]
    faces = count(len(found.missing), "face")
    if denied or not drop.missing:
        _print_missing(found.missing, err=True)
        raise MigrationError(
            f"{faces} of collection {name!r} cannot be described again; nothing was switched",
            "allow the photos to be read"
            if denied
            else "bring back the photos, or delete these faces with --drop-missing",
        )
    if not drop.confirmed:
        _print_missing(found.missing, err=True)
        click.confirm(f"delete {faces} of collection {name} for good?", abort=True, err=True)
    done.missing += found.missing
    gone = [face.face_id for face in found.missing]
    for batch in batches(gone, FACES_AT_ONCE):
        gallery.delete_faces(name, batch, disassociate=True)


def _prepare(gallery: Gallery, name: str, recipe: str | None, *, dry_run: bool) -> _Prepared:
    found, total, token, looked = _Prepared(), 0, None, 0
    out = console(stderr=True)
    while True:
        page = gallery.prepare_migration(
            name, recipe, next_token=token, limit=FACES_AT_ONCE, dry_run=dry_run
        )
        total = total or gallery.migration_status(name).faces
        found.described += page.described
        found.missing += page.missing
        looked = min(total, looked + FACES_AT_ONCE)
        token = page.next_token
        if token is None:
            return found
        out.print(f"{looked:,} of {count(total, 'face')}", style="dim")


def _print_missing_photos(
    gallery: Gallery, name: str, recipe: str | None, *, as_json: bool
) -> None:
    found = _prepare(gallery, name, recipe, dry_run=True)
    status = gallery.migration_status(name)
    if as_json:
        print_json(_document(status, found))
        return
    _print_missing(found.missing)
    left = status.faces - status.ready - len(found.missing)
    console().print(
        f"{count(left, 'face')} of {status.faces:,} can be described with {recipe}; "
        f"{status.ready:,} are ready"
    )


def _print_status(
    status: MigrationStatus, prepared: _Prepared | None = None, *, as_json: bool
) -> None:
    if as_json:
        print_json(_document(status, prepared))
        return
    name, out = status.collection_id, console()
    _print_deleted(prepared)
    if status.state is None:
        out.print(f"collection {name} is not being migrated; it has {status.model_version}")
        return
    faces = f"{status.ready:,} of {count(status.faces, 'face')}"
    if status.state is MigrationState.PREPARING:
        out.print(f"collection {name} serves {status.model_version}")
        out.print(f"{faces} are described with {status.standby_version} too")
        out.print("`--recipe` continues, `--rollback` gives up", style="dim")
    elif status.state is MigrationState.SWITCHED:
        out.print(f"collection {name} serves {status.model_version} now")
        out.print(f"{faces} can be served with {status.standby_version} again")
        if status.standby_threshold is not None and status.threshold is None:
            out.print(
                f"the threshold {status.standby_threshold:g} was chosen for that version; "
                "`facerec calibrate` measures one for this version"
            )
        out.print("`--rollback` returns to it, `--finish` removes it for good", style="dim")
    else:
        out.print(f"the earlier version of collection {name} is being removed")
        out.print("run the command again with `--finish`", style="dim")


def _print_end(finished: FinishedMigration, prepared: _Prepared | None, *, as_json: bool) -> None:
    if as_json:
        print_json({**presenting_migrations.finished_json(finished), **_prepared_json(prepared)})
        return
    out, status = console(), finished.status
    _print_deleted(prepared)
    out.print(f"collection {status.collection_id} serves {status.model_version}")
    out.print(f"{count(finished.removed, 'embedding')} of the other version removed")
    if finished.job_embeddings or finished.dropped:
        out.print(
            f"{count(finished.job_embeddings, 'embedding')} in job folders replaced, and "
            f"{finished.dropped:,} removed whose faces the collection does not have"
        )


def _print_missing(missing: list[MissingFace], *, err: bool = False) -> None:
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


def _print_deleted(prepared: _Prepared | None) -> None:
    if prepared is not None and prepared.missing:
        faces = count(len(prepared.missing), "face")
        console().print(f"{faces} deleted that could not be described")


def _document(status: MigrationStatus, prepared: _Prepared | None) -> dict[str, Any]:
    return {**presenting_migrations.migration_json(status), **_prepared_json(prepared)}


def _prepared_json(prepared: _Prepared | None) -> dict[str, Any]:
    if prepared is None:
        return {}
    missing = [presenting_migrations.missing_json(each) for each in prepared.missing]
    return {"described": prepared.described, "missing": missing}
