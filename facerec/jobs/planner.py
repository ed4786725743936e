"""From an execution input to a plan: one look at the manifest's size and at a sample of it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from facerec.core.limits import MOST_CHILDREN
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.manifest.entries import ManifestEntry, external_id_of
from facerec.jobs.manifest.inventory import inspect_inventory, is_inventory
from facerec.jobs.manifest.listing import folder_entries, write_entries
from facerec.jobs.manifest.sources import (
    Inspection,
    SourceKind,
    inspect,
    is_photo,
    read_sample,
)
from facerec.jobs.plan import Plan, plan_uri, read_plan
from facerec.jobs.request import ExecutionInput, options_to_json
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore, folder_of, scheme_of

IMAGES_PER_CHILD = (500, 2_000)
"""Photos of a child in a container, at least and at most, where nothing else is asked for: some
minutes of work, as AWS Batch advises
(https://docs.aws.amazon.com/batch/latest/userguide/bestpractice1.html), and not more than the
stack's ChildTimeout where photos are large and the exact detector looks at them."""

CHILDREN = 256
"""Children that a job has at least, as far as its photos go round: as many as may run at once where
the stack's MaxvCpus is what it is by default."""

LOCAL_IMAGES_PER_CHILD = (8, 500)
"""On one machine a child costs next to nothing: small ones keep all workers busy to the end."""

LOCAL_CHILDREN = 64
"""The same as ``CHILDREN``, on one machine."""

MOST_STRIPES = 1_000
"""Children that stream the same gzip file: together they read it as often."""


def plan_job(
    job: ExecutionInput,
    objects: ObjectStore,
    *,
    jobs_root: str,
    model_version: str,
    job_folder: str | None = None,
) -> Plan:
    """Plan a job and leave the plan in the job's folder; a job planned before is found again.

    Reads one head and one sample of a manifest, whatever its size. A folder or prefix is listed
    into a manifest first, and photos that the input names are written into one.

    Args:
        job: what to index, into what, and how.
        objects: where manifest and job folder are.
        jobs_root: under which jobs have their folders; ends in ``/``.
        model_version: of the engine that the children will have.
        job_folder: the job's own folder, in place of one under ``jobs_root``; ends in ``/``.

    Raises:
        ObjectNotFoundError: the manifest does not exist.
        InvalidInputError: it cannot be a manifest, or the job's folder holds another job.
    """
    with _identified(job, objects, job_folder or jobs_root) as found:
        job_id = _job_id(job, found.identity, model_version)
        folder = job_folder or f"{jobs_root}{job_id}/"
        planned = _planned_before(objects, folder, job_id)
        if planned is None:
            inspection = found.inspection or _store_listing(objects, folder, found)
            planned = _store(objects, _plan(job, job_id, folder, inspection, found, model_version))
    return replace(planned, tolerated_failure_percentage=job.tolerated_failure_percentage)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a job would be.

    Attributes:
        images: about how many photos it has.
        exact: whether they were counted.
        children: how many children it would have.
    """

    images: int
    exact: bool
    children: int


def preview_job(job: ExecutionInput, objects: ObjectStore, *, jobs_root: str) -> Preview:
    """Return what ``plan_job`` would plan, and leave nothing anywhere.

    Args:
        job: what to index.
        objects: where the manifest is.
        jobs_root: as of ``plan_job``; that of this machine has smaller children.

    Raises:
        ObjectNotFoundError: the manifest does not exist.
        InvalidInputError: it cannot be a manifest.
    """
    with _identified(job, objects, jobs_root) as found:
        inspection = found.inspection or inspect(*read_sample(LocalObjects(), str(found.listing)))
    local = scheme_of(jobs_root) == "file"
    _, children = _children(inspection, job.images_per_child, local=local)
    return Preview(inspection.images, inspection.exact, children)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the input names: a manifest that was inspected, or a listing that is yet to be kept."""

    identity: str
    base: str | None
    inspection: Inspection | None = None
    listing: Path | None = None


@contextmanager
def _identified(job: ExecutionInput, objects: ObjectStore, jobs_root: str) -> Iterator[_Found]:
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as spool:
        yield _identify(job, objects, jobs_root, spool)


def _identify(
    job: ExecutionInput, objects: ObjectStore, jobs_root: str, spool: IO[bytes]
) -> _Found:
    if job.manifest is None:
        base = f"{Path.cwd()}/" if scheme_of(jobs_root) == "file" else None
        identity = write_entries(((image, "") for image in job.images), spool)
        return _listed(identity, base, spool)
    uri = job.manifest
    if scheme_of(uri) == "file":
        # Not Path.resolve: what links point to is not where the user has the photos.
        uri = os.path.abspath(uri) + "/" * Path(uri).is_dir()  # noqa: PTH100
    if uri.endswith("/"):
        identity = write_entries(folder_entries(objects, uri, jobs_root), spool)
        return _listed(identity, uri, spool)
    info, sample = read_sample(objects, uri)
    if is_inventory(uri, sample):
        return _Found(f"{uri} {info.version}", None, inspect_inventory(objects, info))
    if is_photo(uri, sample):
        photo = ManifestEntry(uri, external_id_of(PurePosixPath(uri).name))
        return _listed(write_entries([(photo, info.version)], spool), None, spool)
    return _Found(f"{uri} {info.version}", folder_of(uri), inspect(info, sample))


def _listed(identity: str, base: str | None, spool: IO[bytes]) -> _Found:
    spool.flush()
    return _Found(identity, base, listing=Path(spool.name))


def _store_listing(objects: ObjectStore, folder: str, found: _Found) -> Inspection:
    # Its own name for each attempt: of two that plan at once, the loser must not touch the
    # manifest that the winner's plan has pinned.
    assert found.listing is not None  # noqa: S101 - there is one where nothing was inspected
    uri = f"{folder}manifest-{secrets.token_hex(4)}.jsonl"
    objects.write_file(uri, found.listing)
    return inspect(*read_sample(objects, uri))


def _job_id(job: ExecutionInput, identity: str, model_version: str) -> str:
    named = json.dumps(
        [
            identity,
            job.collection_id,
            options_to_json(job.options),
            model_version,
            job.images_per_child,
        ],
        sort_keys=True,
    )
    return f"{job.collection_id[:40]}-{hashlib.sha256(named.encode()).hexdigest()[:12]}"


def _planned_before(objects: ObjectStore, folder: str, job_id: str) -> Plan | None:
    try:
        plan = read_plan(objects, folder)
    except ObjectNotFoundError:
        return None
    if plan.job_id != job_id:
        raise InvalidInputError(
            f"{folder} holds another job, {plan.job_id}",
            "choose another folder, or run that job with the input it had",
        )
    return plan


def _plan(
    job: ExecutionInput,
    job_id: str,
    folder: str,
    inspection: Inspection,
    found: _Found,
    model_version: str,
) -> Plan:
    local = scheme_of(folder) == "file"
    stripes, children = _children(inspection, job.images_per_child, local=local)
    return Plan(
        job_id=job_id,
        job_folder=folder,
        collection_id=job.collection_id,
        model_version=model_version,
        options=job.options,
        tolerated_failure_percentage=job.tolerated_failure_percentage,
        source=inspection.source,
        base=found.base,
        local=local,
        stripes=stripes,
        children=children,
        estimated_images=inspection.images,
        exact=inspection.exact,
        created_at=time.time(),
    )


def images_per_child(images: int, *, local: bool = False) -> int:
    """Return how many photos a child has, where nothing else is asked for.

    Args:
        images: of the whole job.
        local: whether it runs on one machine.
    """
    least, most = LOCAL_IMAGES_PER_CHILD if local else IMAGES_PER_CHILD
    children = LOCAL_CHILDREN if local else CHILDREN
    return min(most, max(least, -(-images // children)))


def _children(inspection: Inspection, asked: int | None, *, local: bool) -> tuple[int, int]:
    """Return how many children share a file, and how many there are in all."""
    images, files = inspection.images, inspection.source.files
    if not images:
        return 1, 0
    each = asked or images_per_child(images, local=local)
    if inspection.source.kind is SourceKind.RANGES:
        return 1, min(MOST_CHILDREN, -(-images // each))
    if files > MOST_CHILDREN:
        raise InvalidInputError(
            f"the inventory has {files} files, more than the {MOST_CHILDREN} children of a job"
        )
    stripes = min(MOST_STRIPES, MOST_CHILDREN // files, -(-images // (each * files)))
    return stripes, stripes * files


def _store(objects: ObjectStore, plan: Plan) -> Plan:
    content = json.dumps(plan.to_json(), indent=1).encode()
    if objects.write(plan_uri(plan.job_folder), content, if_absent=True):
        return plan
    # Another planner was faster: its plan is the plan.
    planned = _planned_before(objects, plan.job_folder, plan.job_id)
    return planned or plan
