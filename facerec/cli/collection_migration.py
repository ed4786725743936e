"""`facerec collections migrate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_migrations
from facerec.cli.options import data_option, json_option, recipe_name
from facerec.cli.output import console, count, print_json, table
from facerec.core.migrations import MigrationState
from facerec.errors import ConflictError, MigrationError

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.migrating.results import (
        FinishedMigration,
        MigrationStatus,
        MissingFace,
    )

FACES_AT_ONCE = 100
"""Number of faces to describe between two lines of progress."""

MAX_SHOWN = 20
"""Number of missing faces to list; `--json` lists all."""

MAX_PASSES = 5
"""Number of times to look for faces that were added while others were described."""

_REASONS = {
    "NO_ADDRESS": "its photo was sent as bytes, or it was imported without one",
    "PHOTO_GONE": "its photo is gone",
    "PHOTO_CHANGED": "another photo is in its place",
    "UNREADABLE": "its photo cannot be decoded",
    "NOT_FOUND_AGAIN": "no face is found at its position",
}


@dataclass
class _Prepared:
    """What was described in one or several passes over a collection."""

    described: int = 0
    missing: list[MissingFace] = field(default_factory=list)


@click.command()
@click.argument("name")
@click.option(
    "--recipe", type=recipe_name, help="Recipe of the faces, to which the collection moves."
)
@click.option("--dry-run", is_flag=True, help="Change nothing: look for the photos of all faces.")
@click.option(
    "--drop-missing",
    is_flag=True,
    help="Delete faces that cannot be described again, also those of people, for good.",
)
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
    show: bool,
    rollback: bool,
    finish: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Move a collection to another recipe, and so to another model version.

    All faces are described again, from their original photos. Until that is complete, the
    collection serves the version that it has; then it switches at once. Face ids stay, with
    people, corrections and the history. After an interruption, run the command again. The earlier
    version is kept until --finish, so that --rollback can return to it.

    \b
    Examples:
      facerec collections migrate staff --recipe accurate --dry-run
      facerec collections migrate staff --recipe accurate
      facerec collections migrate staff --finish
    """
    if sum((recipe is not None, show, rollback, finish)) != 1:
        raise click.UsageError("specify one of --recipe, --status, --rollback and --finish")
    if recipe is None and (dry_run or drop_missing) and not (rollback and not dry_run):
        raise click.UsageError("--dry-run and --drop-missing belong to --recipe")
    with factory.open_gallery(data_folder(data)) as gallery:
        if show:
            _print_status(gallery.migration_status(name), as_json=as_json)
        elif finish:
            _print_end(gallery.finish_migration(name), as_json=as_json)
        elif rollback:
            if gallery.migration_status(name).state is MigrationState.SWITCHED:
                _switch(gallery, name, None, drop_missing=drop_missing)
            _print_end(gallery.cancel_migration(name), as_json=as_json)
        elif dry_run:
            _print_missing_photos(gallery, name, recipe, as_json=as_json)
        else:
            _migrate(gallery, name, recipe, drop_missing=drop_missing, as_json=as_json)


def _migrate(
    gallery: Gallery, name: str, recipe: str | None, *, drop_missing: bool, as_json: bool
) -> None:
    prepared, status = _Prepared(), gallery.migration_status(name)
    if status.state is not MigrationState.SWITCHED:
        prepared = _switch(gallery, name, recipe, drop_missing=drop_missing)
        status = gallery.migration_status(name)
    _print_status(status, prepared, as_json=as_json)


def _switch(gallery: Gallery, name: str, recipe: str | None, *, drop_missing: bool) -> _Prepared:
    """Describe all faces with the other version, and serve it.

    Raises:
        MigrationError: A face cannot be described.
    """
    done = _Prepared()
    for left in reversed(range(MAX_PASSES)):
        found = _prepare(gallery, name, recipe, dry_run=False)
        done.described += found.described
        if found.missing and not drop_missing:
            _print_missing(found.missing, err=True)
            faces = count(len(found.missing), "face")
            raise MigrationError(
                f"{faces} of collection {name!r} cannot be described again; nothing was switched",
                "bring back the photos, or delete these faces with --drop-missing",
            )
        if found.missing:
            done.missing += found.missing
            gone = [face.face_id for face in found.missing]
            for start in range(0, len(gone), FACES_AT_ONCE):
                gallery.delete_faces(name, gone[start : start + FACES_AT_ONCE], disassociate=True)
        try:
            gallery.switch_version(name)
        except (ConflictError, MigrationError):
            # Faces were added since they were listed.
            if not left or gallery.migration_status(name).state is None:
                raise
        else:
            break
    return done


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
        f"{status.ready:,} are already"
    )


def _print_status(
    status: MigrationStatus, prepared: _Prepared | None = None, *, as_json: bool
) -> None:
    if as_json:
        print_json(_document(status, prepared))
        return
    name, out = status.collection_id, console()
    if prepared is not None and prepared.missing:
        out.print(f"{count(len(prepared.missing), 'face')} deleted that could not be described")
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


def _print_end(finished: FinishedMigration, *, as_json: bool) -> None:
    if as_json:
        print_json(presenting_migrations.finished_json(finished))
        return
    out, status = console(), finished.status
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
        out.print(f"and {len(missing) - MAX_SHOWN:,} more; --json lists all")


def _document(status: MigrationStatus, prepared: _Prepared | None) -> dict[str, Any]:
    document = dict(presenting_migrations.migration_json(status))
    if prepared is not None:
        document["described"] = prepared.described
        document["missing"] = [
            presenting_migrations.missing_json(each) for each in prepared.missing
        ]
    return document
