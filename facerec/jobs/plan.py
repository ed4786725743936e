"""The plan of a job: small at any size, and all that a child needs to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from facerec.core.options import FaceOptions
from facerec.core.schemas import check
from facerec.errors import InvalidInputError
from facerec.jobs.arrays import arrays_of
from facerec.jobs.manifest.entries import LineFormat
from facerec.jobs.manifest.sources import Source, SourceKind
from facerec.jobs.request import options_from_json, options_to_json
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job's children do.

    Attributes:
        job_id: follows from what is indexed, into what, how and by which engine.
        job_folder: where ledger, embeddings and report go; its uri with the final ``/``.
        collection_id: the collection that takes the faces.
        model_version: the engine that the children must have.
        options: how faces are found and chosen.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        source: the manifest.
        base: what relative paths in it are relative to, with the final ``/``, or None.
        local: whether it may name paths of the machine that reads it.
        stripes: how many children share a file; 1 where they share by byte range.
        children: how many children there are; 0 where there is nothing to do.
        estimated_images: about how many photos the manifest names.
        exact: whether they were counted.
        created_at: seconds since 1970, UTC.
    """

    job_id: str
    job_folder: str
    collection_id: str
    model_version: str
    options: FaceOptions
    tolerated_failure_percentage: float
    source: Source
    base: str | None
    local: bool
    stripes: int
    children: int
    estimated_images: int
    exact: bool
    created_at: float

    def to_json(self) -> dict[str, Any]:
        """Return the plan as ``schemas/plan.json`` has it, with its arrays for a workflow."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {
            **fields,
            "options": options_to_json(self.options),
            "source": {**asdict(self.source), "columns": list(self.source.columns)},
            "arrays": [asdict(array) for array in arrays_of(self.children)],
        }


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Read a plan.

    Raises:
        InvalidInputError: it violates ``schemas/plan.json``.
    """
    check("plan", document, "the plan")
    fields = {name: value for name, value in document.items() if name != "arrays"}
    source = dict(document["source"])
    source["kind"] = SourceKind(source["kind"])
    source["format"] = LineFormat(source["format"])
    source["columns"] = tuple(source["columns"])
    fields["source"] = Source(**source)
    fields["options"] = options_from_json(document["options"])
    return Plan(**fields)


def plan_uri(job_folder: str) -> str:
    """Return where the plan of a job lies."""
    return f"{job_folder}plan.json"


def read_plan(objects: ObjectStore, job_folder: str) -> Plan:
    """Read the plan in a job's folder.

    Raises:
        ObjectNotFoundError: the folder holds none.
        InvalidInputError: what it holds is none.
    """
    uri = plan_uri(job_folder)
    try:
        document = json.loads(objects.read(uri))
    except ValueError as error:
        raise InvalidInputError(f"{uri} is not JSON") from error
    # A folder may have been moved since it was planned.
    return replace(plan_from_json(document), job_folder=job_folder)
