"""The request for a job: the execution input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.core.options import FaceOptions
from facerec.core.schemas import check
from facerec.errors import InvalidInputError
from facerec.gallery.defaults import GalleryDefaults
from facerec.jobs.fields import ExternalIds
from facerec.jobs.manifest.entries import ManifestEntry
from facerec.jobs.manifest.listing import ListingRules
from facerec.jobs.options import options_from_json
from facerec.jobs.person_names import column_of
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The request to index photos into a collection.

    Attributes:
        collection_id: The collection that receives the faces.
        manifest: A manifest, a photo, a folder or prefix ending in ``/``, or an S3 Inventory's
            ``manifest.json``; None if ``images`` are given.
        images: The photos to index if there is no manifest.
        options: How faces are detected and selected.
        images_per_child: Approximate number of photos per child; None derives it from the total.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        create_collection: Whether to create the collection if it does not exist.
        listing: Rules for the files of a folder or prefix.
        retry_failures: Whether to process a complete job again if photos failed; photos that are
            indexed are not processed again.
        force: Whether to process a complete job again, and every photo in it.
        restore_deleted: Whether to process every photo, as ``force`` does, and to store faces that
            somebody deleted.
        prune: Whether to remove the faces of photos that are gone from a folder, a prefix or the
            bucket of an S3 Inventory.
        prune_limit_percentage: 0 to 100, the share of photos that may be gone.
        recipe: Recipe of the collection's faces; None for the recipe that the collection has, or
            the default one for a new collection.
        prune_over_limit: What to do if more photos are gone than ``prune_limit_percentage`` allows:
            ``refuse`` the job, or ``skip`` the removal of their faces.
        person_from: Rule for the names of people who are created from the photos when all are
            indexed (``jobs.person_names``), or None.
        bulk_import: Whether Pinecone imports the faces when all photos are processed.
    """

    collection_id: str
    manifest: str | None
    images: tuple[ManifestEntry, ...] = ()
    options: FaceOptions = field(default_factory=FaceOptions)
    images_per_child: int | None = None
    tolerated_failure_percentage: float = TOLERATED_FAILURE_PERCENTAGE
    create_collection: bool = True
    listing: ListingRules = field(default_factory=ListingRules)
    retry_failures: bool = False
    force: bool = False
    restore_deleted: bool = False
    prune: bool = False
    prune_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE
    recipe: str | None = None
    prune_over_limit: str = "refuse"
    person_from: str | None = None
    bulk_import: bool = False


def read_job_request(
    document: object,
    defaults: GalleryDefaults = GalleryDefaults(),  # noqa: B008 - frozen
) -> JobRequest:
    """Parse an execution input (``schemas/execution-input.json``).

    Args:
        document: The JSON document, not validated yet.
        defaults: Defaults for options that it does not contain.

    Raises:
        InvalidInputError: The message names the invalid field.
    """
    if isinstance(document, Mapping) and "migrate" in document:
        raise InvalidInputError(
            "a job cannot migrate a collection to another model version",
            "only the workflow of a stack takes this input; elsewhere a migration is an operation "
            "of its own",
        )
    check("execution-input", document, "the execution input")
    assert isinstance(document, Mapping)  # noqa: S101 - the schema says so
    return JobRequest(
        collection_id=document["collection_id"],
        manifest=document.get("manifest"),
        images=tuple(_entry(image) for image in document.get("images", ())),
        options=options_from_json(document.get("options", {}), defaults),
        images_per_child=document.get("images_per_child"),
        tolerated_failure_percentage=document.get(
            "tolerated_failure_percentage", TOLERATED_FAILURE_PERCENTAGE
        ),
        create_collection=document.get("create_collection", True),
        listing=ListingRules(
            include=tuple(document.get("include", ())),
            exclude=tuple(document.get("exclude", ())),
            external_ids=_external_ids(document),
        ),
        retry_failures=document.get("retry_failures", False),
        force=document.get("force", False),
        restore_deleted=document.get("restore_deleted", False),
        prune=document.get("prune", False),
        prune_limit_percentage=document.get("prune_limit_percentage", PRUNE_LIMIT_PERCENTAGE),
        recipe=document.get("recipe"),
        prune_over_limit=document.get("prune_over_limit", "refuse"),
        person_from=document.get("person_from"),
        bulk_import=document.get("bulk_import", False),
    )


def without_repetition(request: JobRequest) -> JobRequest:
    """Return the request for a job that only reads the remaining photos of another job's source."""
    return replace(
        request,
        create_collection=False,
        retry_failures=False,
        force=False,
        restore_deleted=False,
        prune=False,
    )


def require_s3_addresses(request: JobRequest) -> None:
    """Check that a job can run on a machine other than the caller's.

    Raises:
        InvalidInputError: An address can only be read on the caller's machine.
    """
    given = {f"images[{number}]": entry.uri for number, entry in enumerate(request.images)}
    if request.manifest is not None:
        given["manifest"] = request.manifest
    for field_name, uri in given.items():
        if not uri.startswith("s3://"):
            raise InvalidInputError(
                f"{field_name} is not an s3:// address, and this job cannot read other addresses",
                "copy the photos to S3, and the manifest if there is one",
            )


def _external_ids(document: Mapping[str, Any]) -> ExternalIds:
    """Return how to derive external image ids; not at all if people are named after photos."""
    chosen = document.get("external_ids")
    if "person_from" not in document:
        return ExternalIds(chosen or ExternalIds.PATH)
    column_of(document["person_from"])
    if "manifest" not in document:
        raise InvalidInputError(
            "people can only be created from the photos of a prefix or a manifest",
            "use manifest instead of images",
        )
    if chosen not in (None, ExternalIds.NONE):
        raise InvalidInputError(
            "person_from requires photos without external image ids",
            'use "external_ids": "none"',
        )
    return ExternalIds.NONE


def _entry(image: str | Mapping[str, str]) -> ManifestEntry:
    if isinstance(image, str):
        return ManifestEntry(image)
    return ManifestEntry(image["image"], image.get("external_image_id"), image.get("version_id"))
