"""Migrates collections to another model version, for the workflow and for the command line.

The workflow begins a migration, describes ranges of faces concurrently, each in a chain of
invocations, and then ends it: it describes the remaining faces, and switches the collection.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from facerec.core.ids import id_ranges
from facerec.core.limits import MAX_FUNCTION_ANSWER, MIGRATION_PAGE
from facerec.core.migrations import MigrationState
from facerec.errors import (
    ConflictError,
    FacerecError,
    InvalidInputError,
    ModelMismatchError,
    NotFoundError,
)
from facerec.gallery.presenting.migrations import (
    finished_json,
    migration_json,
    migration_page_json,
)
from facerec.jobs.aws.erasure_function import pack
from facerec.jobs.aws.log import logger
from facerec.jobs.aws.metrics import metrics
from facerec.jobs.planning.migration_request import MigrationRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.gallery.gallery import Gallery

DESCRIBING_SECONDS = 600.0
"""Seconds after which an invocation describes no further faces: the function has 15 minutes."""

_FACES_PER_RANGE = 500
"""Minimum number of faces per range, so that starting a function for it is worthwhile."""

_MAX_RANGES = 16
"""Maximum number of ranges that are described concurrently."""

_REFUSALS = (ConflictError, InvalidInputError, ModelMismatchError, NotFoundError)


def begin(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Begin or continue a migration, and divide its faces.

    Args:
        gallery: The gallery.
        event: ``begin_migration``, a ``MigrationRequest``.

    Returns:
        If ``refused`` is false, ``migration`` is the request, and ``ranges`` are the ranges to
        describe, none if a migration is rolled back before its switch. If ``refused`` is true,
        ``error`` and ``cause`` state why, and ``ranges`` is empty.

    Raises:
        FacerecError: A store or service failed; another attempt may succeed.
    """
    request = MigrationRequest(**event["begin_migration"])

    def divided() -> dict[str, Any]:
        status = gallery.migration_status(request.collection_id)
        ranges: list[dict[str, Any]] = []
        if request.recipe is not None or status.state is MigrationState.SWITCHED:
            status = gallery.begin_migration(request.collection_id, request.recipe)
            count = min(_MAX_RANGES, 1 + (status.faces - status.ready) // _FACES_PER_RANGE)
            ranges = [
                {**request.to_json(), "after": after, "last": last, "described": 0}
                for after, last in id_ranges(max(1, count))
            ]
        return {"refused": False, "migration": request.to_json(), "ranges": ranges}

    result = _answered(divided)
    if result["refused"]:
        # The alarm of failed jobs subtracts these.
        metrics().add_metric(name="RefusedJobs", unit="Count", value=1)
        metrics().flush_metrics()
    return result


def describe_range(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Describe the faces of a range until none remains or the time is up.

    Args:
        gallery: The gallery.
        event: ``describe_range``, a range that ``begin`` or this function returned.

    Returns:
        ``again``, whether faces remain, and ``range``, the rest of the range.

    Raises:
        FacerecError: See ``Gallery.prepare_range``.
    """
    given = event["describe_range"]
    deadline = time.monotonic() + DESCRIBING_SECONDS
    described, after, is_done = gallery.prepare_range(
        given["collection_id"],
        given["recipe"],
        after=given["after"],
        last=given["last"],
        stop=lambda: time.monotonic() > deadline,
    )
    logger().info("described", faces=described)
    left = {**given, "after": after, "described": given["described"] + described}
    return {"again": not is_done, "range": left}


def end(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Describe the remaining faces and switch a collection, or cancel its migration.

    Args:
        gallery: The gallery.
        event: ``end_migration``, a ``MigrationRequest``, and ``described``, the ranges.

    Returns:
        ``refused`` false and the fields of ``schemas/migration.json``, with the numbers of faces
        that were ``described``, ``deleted`` and ``removed``; or ``refused`` true, ``error`` and
        ``cause``.

    Raises:
        FacerecError: A store or service failed; another attempt may succeed.
    """
    request = MigrationRequest(**event["end_migration"])
    described = sum(each["range"].get("described", 0) for each in event["described"])

    def ended() -> dict[str, Any]:
        if request.recipe is None:
            migrated = gallery.roll_back_migration(
                request.collection_id,
                drop_missing=request.drop_missing,
                drop_limit_percentage=request.drop_limit_percentage,
            )
        else:
            migrated = gallery.migrate(
                request.collection_id,
                request.recipe,
                drop_missing=request.drop_missing,
                drop_limit_percentage=request.drop_limit_percentage,
            )
        logger().info("migrated", deleted=len(migrated.missing), removed=migrated.removed)
        return {
            "refused": False,
            **migration_json(migrated.status),
            "described": described + migrated.described,
            "deleted": len(migrated.missing),
            "removed": migrated.removed,
        }

    return _answered(ended)


def show(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Return the progress of a migration (``schemas/migration.json``).

    Args:
        gallery: The gallery.
        event: ``migration_status``, a collection.

    Raises:
        FacerecError: See ``Gallery.migration_status``.
    """
    return migration_json(gallery.migration_status(str(event["migration_status"])))


def check_page(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Check the photos of a page of faces, and change nothing.

    Args:
        gallery: The gallery.
        event: ``check_migration``, a collection; ``recipe`` and ``next_token``.

    Returns:
        ``packed``, the page (``schemas/migration-page.json``).

    Raises:
        FacerecError: See ``Gallery.prepare_migration``.
        InvalidInputError: The page is too large for one response.
    """
    page = gallery.prepare_migration(
        str(event["check_migration"]),
        str(event["recipe"]),
        next_token=event.get("next_token"),
        limit=20 * MIGRATION_PAGE,
        dry_run=True,
    )
    hint = "migrate without this check"
    return {"packed": pack(migration_page_json(page), MAX_FUNCTION_ANSWER, hint=hint)}


def finish(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Remove the version that a collection served before its migration.

    Args:
        gallery: The gallery.
        event: ``finish_migration``, a collection.

    Returns:
        The fields of ``schemas/migration.json``.

    Raises:
        FacerecError: See ``Gallery.finish_migration``.
    """
    finished = gallery.finish_migration(str(event["finish_migration"]))
    logger().info("migration finished", removed=finished.removed, dropped=finished.dropped)
    return finished_json(finished)


def _answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a function, or a refusal if the request is invalid."""
    try:
        return {"error": None, "cause": None, **work()}
    except _REFUSALS as error:
        return {"refused": True, "ranges": [], **_cause(error)}


def _cause(error: FacerecError) -> dict[str, str]:
    hint = f"; {error.hint}" if error.hint else ""
    return {"error": type(error).__name__, "cause": f"{error.message}{hint}"}
