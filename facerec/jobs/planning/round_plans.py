"""The rounds of a job, each with an id, a folder and a plan of its own.

A job that is processed again gets a new round (``rounds``), which is a separate job. The ids of
both derive from the same request and source.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.folders import find_entry
from facerec.jobs.job_ids import job_id_of
from facerec.jobs.options import options_to_json
from facerec.jobs.plan import NAMED_IDS, PLAN_VERSION, Plan, read_plan
from facerec.jobs.planning.children import count_children
from facerec.storage.objects.protocol import scheme_of

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.jobs.planning.changes import Changes
    from facerec.jobs.planning.request import JobRequest
    from facerec.storage.objects.protocol import ObjectStore


class Rounds:
    """The rounds of a job: round 0, and one round for each repetition of the job."""

    def __init__(
        self,
        request: JobRequest,
        changes: Changes,
        collection: Collection,
        objects: ObjectStore,
        jobs_root: str,
        job_folder: str | None,
    ) -> None:
        self._request, self._changes, self._collection = request, changes, collection
        self._objects, self._jobs_root, self._job_folder = objects, jobs_root, job_folder
        self._found: dict[int, tuple[str, str]] = {}

    def latest(self) -> tuple[Plan | None, int]:
        """Return the plan of the latest round, or None, and its number.

        Raises:
            InvalidInputError: A job folder cannot be read, is missing, or contains another job.
        """
        plan, job_round = self._read(0), 0
        if plan is None:
            return None, 0
        # A manifest whose photos change every night has many rounds: they are not all read.
        step = 1
        while (following := self._read(job_round + step)) is not None:
            plan, job_round, step = following, job_round + step, 2 * step
        while step > 1:
            step //= 2
            if (following := self._read(job_round + step)) is not None:
                plan, job_round = following, job_round + step
        return plan, job_round

    def plan(self, job_round: int) -> Plan:
        """Return the plan of a new round.

        Raises:
            InvalidInputError: An inventory has more files than a job can have children.
        """
        job_id, folder = self._names(job_round)
        request, changes, collection = self._request, self._changes, self._collection
        inspection, local = changes.inspection, scheme_of(folder) == "file"
        stripes, children = count_children(inspection, request.images_per_child, local=local)
        return Plan(
            job_id=job_id,
            job_folder=folder,
            collection_id=collection.collection_id,
            collection_created_at=collection.created_at,
            model_version=collection.model_version,
            options=request.options,
            source=inspection.source,
            base=changes.base,
            local=local,
            stripes=stripes,
            children=children,
            estimated_photos=inspection.photos,
            exact=inspection.exact,
            created_at=time.time(),
            round=job_round,
            force=request.force or request.restore_deleted,
            restore_deleted=request.restore_deleted,
            prune=request.prune,
            prune_limit_percentage=request.prune_limit_percentage,
            difference=changes.difference,
            first_version=collection.first_version,
            bulk_import=request.bulk_import and job_round == 0,
            external_ids=NAMED_IDS if changes.names_ids else request.listing.external_ids,
        )

    def _read(self, job_round: int) -> Plan | None:
        job_id, folder = self._names(job_round)
        return planned_before(self._objects, folder, job_id)

    def _names(self, job_round: int) -> tuple[str, str]:
        """Return the id of a round, and its existing or future folder, searching only once."""
        if job_round not in self._found:
            self._found[job_round] = self._find(job_round)
        return self._found[job_round]

    def _find(self, job_round: int) -> tuple[str, str]:
        job_id = _job_id(self._request, self._changes.identity, self._collection, job_round)
        if self._job_folder is None:
            requested = f"{self._jobs_root}{job_id}/"
        else:
            requested = self._job_folder + (f"round-{job_round}/" if job_round else "")
        try:
            entry = find_entry(self._objects, self._jobs_root, job_id)
        except InvalidInputError:
            # The folder was moved, unless the request specifies its new location.
            if not _contains(self._objects, requested, job_id):
                raise
            entry = None
        return job_id, requested if entry is None else entry.job_folder


def planned_before(objects: ObjectStore, folder: str, job_id: str) -> Plan | None:
    """Return the plan that a job has in a folder; None if it has none.

    Raises:
        InvalidInputError: The folder contains another job, or the plan cannot be read.
    """
    try:
        plan = read_plan(objects, folder)
    except ObjectNotFoundError:
        return None
    if plan.job_id != job_id:
        raise InvalidInputError(
            f"{folder} contains another job, {plan.job_id}",
            "choose another folder: the photos, the options or the collection of that job differ",
        )
    return plan


def _job_id(request: JobRequest, identity: str, collection: Collection, job_round: int) -> str:
    named = json.dumps(
        [
            PLAN_VERSION,
            identity,
            collection.collection_id,
            collection.created_at,
            options_to_json(request.options),
            collection.id_version,
            request.images_per_child,
            job_round,
        ],
        sort_keys=True,
    )
    digest = hashlib.sha256(named.encode()).hexdigest()
    return job_id_of(collection.collection_id, digest)


def _contains(objects: ObjectStore, folder: str, job_id: str) -> bool:
    try:
        return read_plan(objects, folder).job_id == job_id
    except (ObjectNotFoundError, InvalidInputError):
        return False
