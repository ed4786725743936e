"""An execution input into what the state machine goes on with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from facerec.config import Settings, needed
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    FacerecError,
    ModelMismatchError,
    StoreUnavailableError,
)
from facerec.jobs.arrays import arrays_of
from facerec.jobs.plan import Plan
from facerec.jobs.planner import plan_job
from facerec.jobs.request import ExecutionInput, read_execution_input
from facerec.storage.objects.protocol import ObjectStore

if TYPE_CHECKING:
    from facerec.core.protocols import RecordStore

REPORTED_BY_FUNCTION = 100_000
"""Children whose summaries a function adds up well within its 15 minutes, at a few hundred a second
(``benchmarks/report.py``); the report of more is a job."""

_FORBIDDEN_IN_JOB_NAME = re.compile(r"[^a-zA-Z0-9_-]")
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans jobs, and says in words why one cannot be.

    Attributes:
        settings: of the deployment.
        objects: where manifests and the folders of jobs are.
        open_records: opens the store of collections.
    """

    settings: Settings
    objects: ObjectStore
    open_records: Callable[[], RecordStore]

    def answer(self, document: object, execution: str) -> dict[str, Any]:
        """Plan a job, or say why it is refused.

        What the caller can mend is a result and no error, so that the execution ends with one line
        that says what it is, and so that the function's errors are faults only.

        Args:
            document: the input of the execution, unchecked.
            execution: its name.

        Returns:
            A job has ``refused`` false, ``job_id``, ``job_folder``, ``job_name`` (for AWS Batch),
            ``children``, ``arrays`` (each with ``offset`` and ``size``), ``large`` (the report is
            a job), ``new_collection`` (this execution made it, so that it holds no other faces) and
            ``tolerated_failure_percentage``. A refusal has ``refused`` true, ``error``
            (a class of ``facerec.errors``) and ``cause``.

        Raises:
            StoreUnavailableError: another try may go through.
        """
        try:
            job = read_execution_input(_with_defaults(document, self.settings))
            records = self.open_records()
            known = self._known_collection(job, records)
            answer = self._job(job)
            made = not known and self._create_collection(job.collection_id, records)
            return {**answer, "new_collection": made}
        except StoreUnavailableError:
            raise
        except FacerecError as error:
            return self._refusal(error, execution)

    def _job(self, job: ExecutionInput) -> dict[str, Any]:
        plan = plan_job(
            job,
            self.objects,
            jobs_root=self.settings.jobs_root,
            model_version=self._model_version,
        )
        arrays = arrays_of(plan.children, self.settings.largest_array)
        return {
            "refused": False,
            "job_id": plan.job_id,
            "job_folder": plan.job_folder,
            "job_name": job_name(plan),
            "children": plan.children,
            "arrays": [asdict(array) for array in arrays],
            "large": plan.children > REPORTED_BY_FUNCTION,
            "tolerated_failure_percentage": job.tolerated_failure_percentage,
        }

    def _known_collection(self, job: ExecutionInput, records: RecordStore) -> bool:
        """Return whether the collection exists; it must, or the input must ask to create it."""
        try:
            collection = records.get_collection(job.collection_id)
        except CollectionNotFoundError:
            if job.create_collection:
                return False
            raise
        if collection.model_version != self._model_version:
            raise ModelMismatchError(self._model_version, collection.model_version)
        return True

    def _create_collection(self, collection_id: str, records: RecordStore) -> bool:
        """Create a collection, or return False if another execution was faster.

        Both have this deployment's model version.
        """
        from facerec.core.records import Collection

        with suppress(CollectionExistsError):
            records.create_collection(Collection(collection_id, self._model_version, time.time()))
            return True
        return False

    @property
    def _model_version(self) -> str:
        return needed(self.settings.model_version, "MODEL_VERSION")

    def _refusal(self, error: FacerecError, execution: str) -> dict[str, Any]:
        """Keep the refusal where jobs have their folders, and return it."""
        cause = f"{error.message}; {error.hint}" if error.hint else error.message
        refusal = {"refused": True, "error": type(error).__name__, "cause": cause}
        kept = {**refusal, "execution": execution, "refused_at": time.time()}
        uri = f"{self.settings.jobs_root}refused/{execution}.json"
        self.objects.write(uri, json.dumps(kept, indent=1).encode())
        return refusal


def job_name(plan: Plan) -> str:
    """Return what jobs of AWS Batch are called, but for the number that follows.

    At most 100 characters, of which AWS Batch allows 128.
    """
    return f"facerec-{_FORBIDDEN_IN_JOB_NAME.sub('-', plan.job_id)}"


def _with_defaults(document: object, settings: Settings) -> object:
    """Return an input whose options default to those of the deployment."""
    if not isinstance(document, dict) or not isinstance(document.get("options", {}), dict):
        return document
    defaults = {"max_faces": settings.max_faces, "min_confidence": settings.min_confidence}
    return {**document, "options": {**defaults, **document.get("options", {})}}
