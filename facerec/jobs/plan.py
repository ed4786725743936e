"""The plan of a job: all information that its children need, in a small document."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_JSON_BYTES, PRUNE_LIMIT_PERCENTAGE
from facerec.core.schemas import check
from facerec.core.stored_json import stored_json
from facerec.errors import (
    RESTORE_FILE,
    InvalidInputError,
    JobFolderError,
    ObjectNotFoundError,
    OtherReleaseError,
)
from facerec.jobs.arrays import arrays_of
from facerec.jobs.difference import Difference
from facerec.jobs.manifest.source import LineFormat, Source, SourceKind
from facerec.jobs.options import options_from_json, options_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.options import FaceOptions
    from facerec.storage.objects.protocol import ObjectStore

PLAN_VERSION = 2
"""Version of the files in a job folder; a folder of another version is rejected, never misread.
Version 1 had no version field, and used other names in its ledger."""


_WRITTEN = re.compile(r"manifest-[0-9a-f]{8}\.jsonl")
"""Names of manifests that facerec writes."""

NAMED_IDS = "named"
"""``Plan.external_ids`` of a job whose source is a manifest or a list of photos."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a job.

    Attributes:
        job_id: Id derived from the photos, the collection, the options and the model version.
        job_folder: Uri of the folder for ledger, embeddings and report, with the final ``/``.
        collection_id: The collection that receives the faces.
        collection_created_at: Identifies the collection; one that is deleted and created again
            under the same id has a different value.
        model_version: Required model version of the children's engine.
        options: How faces are detected and selected.
        source: The manifest.
        base: The folder of relative paths in the manifest, with the final ``/``, or None.
        local: Whether the job runs on one machine: its manifest may name paths of that machine,
            and a supervisor starts its children.
        stripes: Number of children that share a file; 1 if they share by byte range.
        children: Number of children; 0 if there is nothing to do.
        estimated_photos: Estimated number of photos in the manifest.
        exact: Whether the photos were counted rather than estimated.
        created_at: Seconds since 1970, UTC.
        round: 0 for the first plan of the job, and one more for each new round
            (``planning.rounds``).
        force: Whether to process photos that are already indexed.
        restore_deleted: Whether to store faces that somebody deleted.
        new_collection: Whether the collection was created for this job.
        prune: Whether to remove faces whose photos are gone.
        prune_limit_percentage: 0 to 100, the share of photos that may be gone.
        difference: Comparison of the source's photos with the remembered ones; None if they were
            not compared.
        first_version: The collection's ``first_version``.
        bulk_import: Whether Pinecone imports the faces when all children are complete; the children
            store none until then (``facerec.jobs.bulk_import``).
        external_ids: How external image ids are derived from paths, a value of ``ExternalIds``;
            ``NAMED_IDS`` if the source contains them, so that even an id that repeats an address
            was chosen. None if an earlier release planned the job.
    """

    job_id: str
    job_folder: str
    collection_id: str
    collection_created_at: float
    model_version: str
    options: FaceOptions
    source: Source
    base: str | None
    local: bool
    stripes: int
    children: int
    estimated_photos: int
    exact: bool
    created_at: float
    round: int = 0
    force: bool = False
    restore_deleted: bool = False
    new_collection: bool = False
    prune: bool = False
    prune_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE
    difference: Difference | None = None
    first_version: str | None = None
    bulk_import: bool = False
    external_ids: str | None = None

    @property
    def id_version(self) -> str:
        """The ``id_version`` of the collection."""
        return self.first_version or self.model_version

    @property
    def prunes_folder(self) -> bool:
        """Whether to remove faces whose photos are gone from a folder, prefix or bucket."""
        listed = self.difference is not None and self.base is not None
        return self.prune and listed

    @property
    def overlaps_commits(self) -> bool:
        """Whether a step is committed while the next one is processed.

        On one machine, a commit takes too little time for that to help.
        """
        return not self.local

    @property
    def children_restore(self) -> bool:
        """Whether children restore committed faces that the collection has lost.

        On one machine, the run of the job has compared the collection before the children start.
        """
        return not self.local

    @property
    def jobs_root(self) -> str:
        """Parent of all job folders; only for jobs of a stack, whose folders are all below it."""
        return self.job_folder.removesuffix(f"{self.job_id}/")

    def to_json(self) -> dict[str, Any]:
        """Return the plan in the form of ``schemas/plan.json``, with the arrays of a workflow."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {
            "version": PLAN_VERSION,
            **fields,
            "options": options_to_json(self.options),
            "difference": None if self.difference is None else asdict(self.difference),
            "source": {**asdict(self.source), "columns": list(self.source.columns)},
            "arrays": [asdict(array) for array in arrays_of(self.children)],
        }


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Parse a plan.

    Raises:
        InvalidInputError: The document violates ``schemas/plan.json``.
    """
    check("plan", document, "the plan")
    fields = {name: value for name, value in document.items() if name not in ("arrays", "version")}
    source = dict(document["source"])
    source["kind"] = SourceKind(source["kind"])
    source["format"] = LineFormat(source["format"])
    source["columns"] = tuple(source["columns"])
    fields["source"] = Source(**source)
    fields["options"] = options_from_json(document["options"])
    difference = document.get("difference")
    fields["difference"] = None if difference is None else Difference(**difference)
    return Plan(**fields)


def plan_uri(job_folder: str) -> str:
    """Return the address of the plan of a job."""
    return f"{job_folder}plan.json"


def manifests_prefix(job_folder: str) -> str:
    """Return the common address prefix of the manifests that facerec wrote for a job."""
    return f"{job_folder}manifest-"


def is_written_manifest(uri: str, job_folder: str) -> bool:
    """Return whether facerec wrote the manifest at an address for a job.

    A manifest that somebody else wrote may be in a job folder that was chosen on the command line.
    """
    return _WRITTEN.fullmatch(uri.removeprefix(job_folder)) is not None


def deleted_plan_uri(job_folder: str) -> str:
    """Return the address of the plan of a job that is being deleted.

    A job exists as long as its plan exists. A deletion first renames the plan: from then on, the
    job is not found any more, no process adds to it, and the next deletion completes an interrupted
    one.
    """
    return f"{job_folder}deleted.json"


def read_plan(objects: ObjectStore, job_folder: str) -> Plan:
    """Read the plan in a job folder.

    Raises:
        ObjectNotFoundError: The folder has no plan.
        JobFolderError: The plan is invalid, or was written by another release of facerec.
    """
    document = _read_document(objects, job_folder)
    version = document.get("version", 1)
    if version != PLAN_VERSION:
        raise OtherReleaseError(job_folder, str(version), PLAN_VERSION)
    try:
        plan = plan_from_json(document)
    except InvalidInputError as error:
        raise JobFolderError(job_folder, f"is damaged: {error}", RESTORE_FILE) from error
    # The folder may have been moved since the job was planned.
    return _moved(plan, job_folder)


def _moved(plan: Plan, job_folder: str) -> Plan:
    uri = source_in(job_folder, plan.source.uri, plan.job_folder)
    return replace(plan, job_folder=job_folder, source=replace(plan.source, uri=uri))


def source_in(job_folder: str, uri: str, planned: str) -> str:
    """Return the address of a job's source, whose folder may have been moved since it was planned.

    Args:
        job_folder: Current address of the job folder.
        uri: Address of the source in the plan.
        planned: Address of the job folder in the plan.
    """
    if not is_written_manifest(uri, planned):
        return uri
    return job_folder + uri.removeprefix(planned)


def read_collection_id(objects: ObjectStore, job_folder: str) -> str:
    """Return the collection of a job folder, whichever release of facerec wrote it.

    Raises:
        ObjectNotFoundError: The folder has no plan.
        JobFolderError: The plan is not a JSON object, or does not name a collection.
    """
    collection_id = _read_document(objects, job_folder).get("collection_id")
    if not isinstance(collection_id, str):
        raise JobFolderError(
            job_folder, "has no valid plan: it does not name a collection", RESTORE_FILE
        )
    return collection_id


def read_base(objects: ObjectStore, job_folder: str) -> str | None:
    """Return the folder of relative paths in a job's manifest; None if the plan names none.

    Plans of every release of facerec can be read.

    Raises:
        ObjectNotFoundError: The folder has no plan.
        JobFolderError: The plan is not a JSON object.
    """
    base = _read_document(objects, job_folder).get("base")
    return base if isinstance(base, str) else None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The fields that plans of every release of facerec have.

    Attributes:
        job_id: Id of the job, or None.
        collection_id: The collection that received the faces, or None.
        created_at: Time of the plan, seconds since 1970, UTC; 0 if unknown.
        is_current: Whether this release can read the whole plan.
        is_of_first_release: Whether the plan has no version, because the first release wrote it.
    """

    job_id: str | None
    collection_id: str | None
    created_at: float
    is_current: bool
    is_of_first_release: bool


def read_facts(objects: ObjectStore, job_folder: str, *, deleted: bool = False) -> PlanFacts:
    """Read the fields that the plans of all releases of facerec have.

    Args:
        objects: Contains the folder.
        job_folder: Address of the folder.
        deleted: Whether to read the plan of a job that is being deleted.

    Raises:
        ObjectNotFoundError: The folder has no plan.
        JobFolderError: The plan is not a JSON object.
    """
    document = _read_document(objects, job_folder, deleted=deleted)
    job_id, collection_id = document.get("job_id"), document.get("collection_id")
    created_at = document.get("created_at")
    return PlanFacts(
        job_id if isinstance(job_id, str) else None,
        collection_id if isinstance(collection_id, str) else None,
        float(created_at) if isinstance(created_at, int | float) else 0.0,
        document.get("version", 1) == PLAN_VERSION,
        "version" not in document,
    )


def planned_creation(objects: ObjectStore, job_folder: str) -> float | None:
    """Return when the collection of a job was created, in seconds since 1970.

    Returns:
        None if there is no plan, or if the first release wrote it, whose plans do not contain this.

    Raises:
        JobFolderError: The plan is not a JSON object.
    """
    try:
        created = _read_document(objects, job_folder).get("collection_created_at")
    except ObjectNotFoundError:
        return None
    return float(created) if isinstance(created, int | float) else None


def _read_document(
    objects: ObjectStore, job_folder: str, *, deleted: bool = False
) -> dict[str, Any]:
    uri = deleted_plan_uri(job_folder) if deleted else plan_uri(job_folder)
    try:
        document = stored_json(objects.read(uri, end=MAX_JSON_BYTES), uri)
    except ValueError as error:
        raise JobFolderError(job_folder, "has no valid plan: not JSON", RESTORE_FILE) from error
    if not isinstance(document, dict):
        raise JobFolderError(job_folder, "has no valid plan: not a JSON object", RESTORE_FILE)
    return document
