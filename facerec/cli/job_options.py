"""The options of the commands that start jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.numbers import FiniteRange
from facerec.cli.options import index_face_options, person_from_option, recipe_name
from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.jobs.fields import JOB_FIELDS, ExternalIds
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE

if TYPE_CHECKING:
    from facerec.core.options import ChosenOptions

_OPTIONS = (
    click.option(
        "--create-collection/--no-create-collection",
        default=True,
        show_default=True,
        help="Create the collection if it does not exist.",
    ),
    click.option(
        "--recipe",
        type=recipe_name,
        default=None,
        help="Recipe of the faces: one view, or the average of four (default: the collection's, "
        "fast for a new one).",
    ),
    click.option(
        "--retry-failures",
        is_flag=True,
        help="Process again the photos that failed in a complete job.",
    ),
    click.option("--force", is_flag=True, help="Process all photos again, including indexed ones."),
    click.option(
        "--restore-deleted",
        is_flag=True,
        help="Store faces that were deleted on purpose, too; this processes all photos again.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="Remove the faces of photos that are gone from a folder, prefix or inventory; "
        "--dry-run lists these photos.",
    ),
    click.option(
        "--prune-limit",
        "prune_limit_percentage",
        type=FiniteRange(0, 100),
        default=PRUNE_LIMIT_PERCENTAGE,
        show_default=True,
        metavar="PERCENT",
        help="Percentage of photos that may be gone; if more are, --prune is refused.",
    ),
    click.option(
        "--tolerated-failures",
        "tolerated_failure_percentage",
        type=FiniteRange(0, 100),
        default=TOLERATED_FAILURE_PERCENTAGE,
        show_default=True,
        metavar="PERCENT",
        help="Percentage of the processed photos that may fail before the job counts as failed. If "
        "at most 20 failed, it is a percentage of all photos of the source.",
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="PATTERN",
        help="In a folder, index only files that match, such as '*.jpg'; can be repeated.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="In a folder, skip files that match, such as 'raw/*'; can be repeated.",
    ),
    click.option(
        "--external-ids",
        type=click.Choice([choice.value for choice in ExternalIds]),
        default=ExternalIds.PATH.value,
        show_default=True,
        help="In a folder, the external image id of a photo: its path; its folder, so that all "
        "photos in it count as one person's; or none, so that it keeps its face ids wherever it is "
        "moved.",
    ),
    person_from_option,
)


def job_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a job; passed as ``job_fields``, fields of the execution input.

    Only the face options that the user gives are passed, since a stack has its own defaults.
    """

    @wraps(command)
    def with_job_options(*args: Any, chosen: ChosenOptions, **given: Any) -> None:  # noqa: ANN401
        fields = {name: given.pop(name) for name in JOB_FIELDS}
        for name in ("include", "exclude"):
            fields[name] = list(fields[name])
        for name in ("recipe", "person_from"):
            if fields[name] is None:
                del fields[name]
        command(*args, job_fields={**fields, "options": chosen}, **given)

    with_options = index_face_options(with_job_options)
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
