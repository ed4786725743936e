"""What a job is asked to do: the execution input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.schemas import check
from facerec.jobs.manifest.entries import ManifestEntry

TOLERATED_FAILURE_PERCENTAGE = 5.0
"""A job of which more photos fail than this is itself a failure, unless its input says else."""


@dataclass(frozen=True, slots=True)
class ExecutionInput:
    """What to index, into which collection, and how.

    Attributes:
        collection_id: the collection that takes the faces.
        manifest: a manifest, a photo, a folder or prefix ending in ``/``, or an S3 Inventory's
            ``manifest.json``; None where ``images`` are given.
        images: the photos themselves, in place of a manifest.
        options: how faces are found and chosen.
        images_per_child: about how many photos a child takes; None lets it follow.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        create_collection: whether to create the collection if it does not exist.
    """

    collection_id: str
    manifest: str | None
    images: tuple[ManifestEntry, ...] = ()
    options: FaceOptions = field(default_factory=FaceOptions)
    images_per_child: int | None = None
    tolerated_failure_percentage: float = TOLERATED_FAILURE_PERCENTAGE
    create_collection: bool = False


def read_execution_input(document: object) -> ExecutionInput:
    """Read an execution input (``schemas/execution-input.json``).

    Args:
        document: what ``json.loads`` returns.

    Raises:
        InvalidInputError: with the field that is wrong.
    """
    check("execution-input", document, "the execution input")
    assert isinstance(document, Mapping)  # noqa: S101 - the schema says so
    return ExecutionInput(
        collection_id=document["collection_id"],
        manifest=document.get("manifest"),
        images=tuple(
            ManifestEntry(image) if isinstance(image, str) else ManifestEntry(**image)
            for image in document.get("images", ())
        ),
        options=options_from_json(document.get("options", {})),
        images_per_child=document.get("images_per_child"),
        tolerated_failure_percentage=document.get(
            "tolerated_failure_percentage", TOLERATED_FAILURE_PERCENTAGE
        ),
        create_collection=document.get("create_collection", False),
    )


def options_from_json(document: Mapping[str, Any]) -> FaceOptions:
    """Read face options; what is not named has its default."""
    settings = dict(document)
    if "quality_filter" in settings:
        settings["quality_filter"] = QualityFilter(settings["quality_filter"])
    return FaceOptions(**settings)


def options_to_json(options: FaceOptions) -> dict[str, Any]:
    """Return all face options by name."""
    return asdict(options)
