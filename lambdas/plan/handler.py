"""Plans the job of an execution, or refuses its input."""

from __future__ import annotations

import json
import math
import os
import re
import time
from typing import TYPE_CHECKING, Any

from facerec.config import Settings, read_settings, required_setting
from facerec.errors import (
    CollectionNotFoundError,
    ConfigurationError,
    FacerecError,
    InvalidInputError,
    MigrationError,
    MigrationRemedy,
    StoreUnavailableError,
)
from facerec.factory import gallery_defaults, open_erasures, open_records, versions_by_recipe
from facerec.gallery.migrating.settled import require_settled
from facerec.jobs.aws.batch_image import ChildMachines
from facerec.jobs.aws.log import logger
from facerec.jobs.aws.metrics import metrics
from facerec.jobs.aws.planning_limits import planning_limits
from facerec.jobs.aws.planning_notes import listing_notes
from facerec.jobs.aws.preflight import require_region, require_startable_children
from facerec.jobs.aws.start_problems import open_clients
from facerec.jobs.aws.submissions import first_submission
from facerec.jobs.aws.vector_stores import JobVectors
from facerec.jobs.child.outages import forget_outages
from facerec.jobs.erasing.lost_erasures import restore_lost_tombstones
from facerec.jobs.ledger.child_runs import hand_over_restoration
from facerec.jobs.manifest.inspection import is_photo
from facerec.jobs.plan import Plan
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.planning.migration_request import asks_for_migration, read_migration_request
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import (
    JobRequest,
    read_job_request,
    require_s3_addresses,
)
from facerec.jobs.remembered.collections import was_lost
from facerec.storage.objects import Objects, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.core.protocols.records import RecordStore
    from facerec.storage.dynamodb.store import DynamoDBStore
    from facerec.storage.sqlite import SqliteStore

MAX_CHILDREN_OF_FUNCTION = 100_000
"""Maximum number of children whose summaries a function can add up within its 15 minutes, at a few
hundred per second (``benchmarks/report.py``). For more children, a job of AWS Batch writes the
report."""

_FORBIDDEN_IN_JOB_NAME = re.compile(r"[^a-zA-Z0-9_-]")
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda has no types
    """Plan a job.

    Args:
        event: ``input``, the unchanged input of the execution, and ``execution``, its name. If
            photos must be read again after a restoration, ``input`` is instead an object with
            ``again``: the ``input``, and ``restored``, the folder of the job that was planned
            before.
        context: Lambda's context, which provides the remaining time.

    Returns:
        The result of ``plan_execution``.

    Raises:
        StoreUnavailableError: Another attempt may succeed.
        ConfigurationError: A setting of the function is wrong.
    """
    settings = read_settings(os.environ)
    objects = Objects()

    def check(request: JobRequest) -> None:
        clients = open_clients()
        if settings.region is not None:
            require_region(request, settings.region, clients, objects)
        require_startable_children(
            _machines(settings), _vectors(settings, request.collection_id), clients
        )

    document, restored = _again(event["input"], settings)
    result = plan_execution(
        document,
        event["execution"],
        settings,
        objects,
        lambda: open_records(settings),
        check=check,
        remaining=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    if "job_id" in result and restored is not None:
        # The children of the earlier plan were not started.
        hand_over_restoration(objects, restored, result["job_folder"])
    if result["refused"] and result["error"] != ConfigurationError.__name__:
        # The alarm of failed jobs subtracts these, but not a stack that is set up wrongly.
        metrics().add_metric(name="RefusedJobs", unit="Count", value=1)
        metrics().flush_metrics()
    logger().info(
        "refused" if result["refused"] else "planned",
        execution=event["execution"],
        **{name: result[name] for name in ("error", "job_id", "children") if name in result},
    )
    return result


def _again(document: object, settings: Settings) -> tuple[object, str | None]:
    """Return the input of an execution, and the folder of the job that it has planned before."""
    again = document.get("again") if isinstance(document, dict) else None
    if not isinstance(again, dict) or again.keys() != {"input", "restored"}:
        return document, None
    folder = str(again["restored"])
    return again["input"], folder if folder.startswith(settings.jobs_root) else None


def _machines(settings: Settings) -> ChildMachines | None:
    if settings.batch_image is None or settings.architecture is None:
        return None
    return ChildMachines(
        settings.batch_image,
        settings.architecture,
        required_setting(settings.model_version, "MODEL_VERSION"),
        settings.instance_types,
    )


def _vectors(settings: Settings, collection_id: str) -> JobVectors:
    if settings.store is not None:
        return JobVectors()
    if settings.vector_bucket is None:
        return JobVectors(secret=settings.pinecone_secret_arn, host=settings.pinecone_index_host)
    try:
        collection = open_records(settings).get_collection(collection_id)
    except CollectionNotFoundError:
        collection = None
    return JobVectors(collection, bucket=settings.vector_bucket)


def plan_execution(
    document: object,
    execution: str,
    settings: Settings,
    objects: ObjectStore,
    open_records: Callable[[], DynamoDBStore | SqliteStore],
    *,
    check: Callable[[JobRequest], None] = lambda request: None,
    remaining: Callable[[], float] = lambda: math.inf,
) -> dict[str, Any]:
    """Plan the job of an execution, or return why its input is refused.

    A mistake in the input is a result, not an error. So the execution ends with one line that
    states the correction, and an error of the function is always a real failure.

    Args:
        document: The input of the execution, not validated yet.
        execution: Name of the execution.
        settings: Settings of the deployment.
        objects: Contains manifests and job folders.
        open_records: Opens the store of collections.
        check: Raises a ``FacerecError`` for a request that must not be planned.
        remaining: Returns the seconds until the function is stopped.

    Returns:
        For a job: ``refused`` and ``migrates`` false, ``job_id``, ``collection_id``, ``lost``
        (whether the records of its collection were lost or restored from an older copy, so that it
        must be rebuilt first), ``children`` and the fields of its first ``Submission``.
        For a migration: ``refused`` false, ``migrates`` true, and ``migration``, the request.
        For a refusal: ``refused`` true, ``error`` (a class of ``facerec.errors``) and ``cause``.

    Raises:
        StoreUnavailableError: Another attempt may succeed.
    """
    try:
        if asks_for_migration(document):
            migration = read_migration_request(document)
            return {"refused": False, "migrates": True, "migration": migration.to_json()}
        request = read_job_request(document, gallery_defaults(settings))
        require_s3_addresses(request)
        if request.bulk_import and settings.pinecone_integration_id is None:
            raise InvalidInputError(
                "bulk_import: the stack has no storage integration for Pinecone",
                "deploy it with PineconeIntegrationId, or index without bulk_import",
            )
        check(request)
        records = open_records()
        require_settled(request.collection_id, records)
        erasures = open_erasures(settings.erasures_root, objects=objects)
        version = required_setting(settings.model_version, "MODEL_VERSION")
        note = listing_notes(objects, settings.jobs_root, execution)
        with planning_limits(request.manifest, remaining, note) as on_listed:
            plan = plan_job(
                request,
                objects,
                records,
                jobs_root=settings.jobs_root,
                model_version=version,
                recipes=versions_by_recipe(version),
                on_listed=on_listed,
                erasures=erasures,
            )
        _require_served_version(plan, records)
        lost = was_lost(objects, settings.jobs_root, collection_of(plan))
        # While a collection is being deleted, the copies belong to the deleted collection.
        if not erasures.is_being_deleted(plan.collection_id):
            lost |= restore_lost_tombstones(
                plan.collection_id, objects, settings.jobs_root, records
            )
        forget_outages(objects, plan.job_folder)
    except StoreUnavailableError:
        raise
    except FacerecError as error:
        return _refuse(error, document, execution, settings.jobs_root, objects)
    if plan.difference is not None and plan.difference.not_pruned:
        logger().warning(
            "not pruned: more photos are gone than the limit allows",
            execution=execution,
            gone=plan.difference.gone,
            remembered=plan.difference.remembered,
            limit=request.prune_limit_percentage,
        )
    return {
        "refused": False,
        "migrates": False,
        "job_id": plan.job_id,
        "collection_id": plan.collection_id,
        "lost": lost,
        "children": plan.children,
        **first_submission(
            job_folder=plan.job_folder,
            job_name=job_name(plan),
            children=plan.children,
            large=plan.children > MAX_CHILDREN_OF_FUNCTION,
            tolerated_failure_percentage=request.tolerated_failure_percentage,
            memory=settings.child_memory,
            max_array_size=settings.max_array_size,
            enrol=_enrol(request),
        ).to_json(),
    }


def _require_served_version(plan: Plan, records: RecordStore) -> None:
    """Check that a plan still has the model version that its collection serves.

    When a migration is finished, the plans of all jobs get the new version. A plan that was written
    concurrently, or that came back with an older copy of its folder, does not.

    Raises:
        MigrationError: The model version of the plan differs from its collection's.
    """
    if plan.model_version != records.get_collection(plan.collection_id).model_version:
        raise MigrationError(
            f"the model version of job {plan.job_id} differs from that of its collection",
            MigrationRemedy.DELETE_JOB,
        )


def _enrol(request: JobRequest) -> dict[str, str] | None:
    if request.person_from is None or request.manifest is None:
        return None
    return {"person_from": request.person_from, "source": request.manifest}


def job_name(plan: Plan) -> str:
    """Return the prefix of the names of a job's jobs in AWS Batch; a number follows it.

    The prefix has at most 100 characters; AWS Batch allows names of 128.
    """
    return f"facerec-{_FORBIDDEN_IN_JOB_NAME.sub('-', plan.job_id)}"


def _refuse(
    error: FacerecError, document: object, execution: str, jobs_root: str, objects: ObjectStore
) -> dict[str, Any]:
    """Store a refusal beside the job folders, and return it."""
    hint = error.hint
    if isinstance(error, CollectionNotFoundError):
        hint = 'remove "create_collection": false to create it'
    cause = f"{error.message}; {hint}" if hint else error.message
    for address, field in _photos_in(document):
        cause = cause.replace(address, field)
    refusal = {"refused": True, "error": type(error).__name__, "cause": cause}
    stored = {**refusal, "execution": execution, "refused_at": time.time()}
    uri = f"{jobs_root}refused/{execution}.json"
    objects.write(uri, json.dumps(stored, indent=1).encode())
    return refusal


def _photos_in(document: object) -> list[tuple[str, str]]:
    """Return the addresses of photos in an input, with their fields; they may contain names.

    The longest address is first. Addresses of prefixes and of lists of photos are omitted.
    """
    if not isinstance(document, dict):
        return []
    images, manifest = document.get("images"), document.get("manifest")
    found = []
    for number, image in enumerate(images if isinstance(images, list) else ()):
        address = image.get("image") if isinstance(image, dict) else image
        if isinstance(address, str) and address.startswith("s3://"):
            found.append((address, f"images[{number}]"))
    if isinstance(manifest, str) and manifest.startswith("s3://") and is_photo(manifest, b""):
        found.append((manifest, "manifest"))
    return sorted(found, key=lambda photo: len(photo[0]), reverse=True)
