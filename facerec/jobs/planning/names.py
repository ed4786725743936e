"""Checks whether the photos of a job have the names of people (``person_from``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.source import LineFormat
from facerec.jobs.person_names import column_of, name_rule
from facerec.jobs.remembered.photos import photo_of_line

if TYPE_CHECKING:
    from facerec.jobs.planning.source import Source
    from facerec.jobs.remembered.memory import Memory
    from facerec.storage.objects.protocol import ObjectStore


def require_names(
    person_from: str, source: Source, memory: Memory | None, objects: ObjectStore
) -> None:
    """Check that a rule for names suits the source of a job.

    Args:
        person_from: The rule.
        source: The source.
        memory: The remembered photos of the collection; None for a new collection.
        objects: Contains the manifest.

    Raises:
        InvalidInputError: The rule is not known, the source has no such column, or is an S3
            Inventory; or photos of the folder were indexed with external image ids, and would be
            stored a second time.
    """
    column = column_of(person_from)
    lines = None if source.inspection is None else source.inspection.source
    if lines is not None and lines.format is LineFormat.INVENTORY:
        raise InvalidInputError(
            "the photos of an S3 Inventory have no names of people",
            "index their prefix, or enrol people when the job has ended",
        )
    if column is not None:
        if lines is None or lines.format is LineFormat.URIS:
            raise InvalidInputError(
                f"the source has no column {column!r}",
                "use a manifest in CSV or JSON Lines that has it",
            )
        if lines.format is LineFormat.CSV and column not in lines.columns:
            raise InvalidInputError(
                f"{lines.uri} has no column {column!r}",
                "check the name of the column in its header",
            )
    if source.scope is not None and memory is not None:
        _require_no_external_ids(person_from, source.scope, memory, objects)


def _require_no_external_ids(
    person_from: str, folder: str, memory: Memory, objects: ObjectStore
) -> None:
    name_of = name_rule(person_from, folder, objects)
    for _, _, _, line in memory.newest():
        photo = photo_of_line(line)
        if photo.faces and photo.external_image_id and name_of(photo.uri) is not None:
            # executions keep this message, and addresses of these photos contain names of people
            raise InvalidInputError(
                f"a photo of {folder} was already indexed with an external image id",
                "enrol people instead, which indexes nothing",
            )
