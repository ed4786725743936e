"""Plans a job from the size of the manifest and a sample of it.

``plan_job`` is the one way to a plan, for every door:

1. ``_find_source``: what the request names, inspected; nothing is stored yet.
2. ``prepare_collection``: the collection exists, and which creation of it this is.
3. ``_job_id``: derived from both, so that the same request finds the same job again, and a request
   for a collection that was deleted and created again finds a new one.
4. The plan is read from the job folder if it exists, else stored there. A complete job whose failed
   photos may have changed, or that is to be processed again, gets a new round: a job of its own.
"""

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

from facerec.core.limits import MAX_CHILDREN
from facerec.core.names import derived_external_image_id
from facerec.core.protocols import RecordStore
from facerec.core.records import Collection
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.gallery.preparing import prepare_collection
from facerec.jobs.folders import find_entry
from facerec.jobs.manifest.entries import ManifestEntry
from facerec.jobs.manifest.inventory import inspect_inventory, is_inventory
from facerec.jobs.manifest.listing import folder_entries, write_entries
from facerec.jobs.manifest.sources import Inspection, SourceKind, inspect, is_photo, read_sample
from facerec.jobs.plan import PLAN_VERSION, Plan, plan_uri, read_plan
from facerec.jobs.request import JobRequest, options_to_json
from facerec.jobs.rounds import needs_new_round
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore, folder_of, scheme_of

IMAGES_PER_CHILD = (500, 2_000)
"""Default minimum and maximum of photos per child in a container: a few
minutes of work, as AWS Batch advises
(https://docs.aws.amazon.com/batch/latest/userguide/bestpractice1.html), and less than the stack's
ChildTimeout even for large photos and the exact detector."""

CHILDREN = 256
"""Minimum of children if there are enough photos: as many as run concurrently with the stack's
default MaxvCpus."""

LOCAL_IMAGES_PER_CHILD = (8, 500)
"""On one machine a child costs next to nothing: small ones keep all workers busy to the end."""

LOCAL_CHILDREN = 64
"""The same as ``CHILDREN``, on one machine."""

MAX_STRIPES = 1_000
"""Children that stream the same gzip file: each of them reads all of it."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job whose plan is stored.

    Attributes:
        plan: the plan.
        collection_created: whether the collection was created for this request, so that it
            contains no faces but the job's.
    """

    plan: Plan
    collection_created: bool


def plan_job(
    request: JobRequest,
    objects: ObjectStore,
    records: RecordStore,
    *,
    jobs_root: str,
    model_version: str,
    job_folder: str | None = None,
) -> PlannedJob:
    """Plan a job and store the plan in the job folder; a job planned before is found again.

    Reads the size and one sample of a manifest, whatever its size. A folder or prefix is listed
    into a manifest first, and so are photos named in the request.

    Args:
        request: what to index, into which collection, and how.
        objects: contains the manifest and the job folder.
        records: store of the collections.
        jobs_root: parent of all job folders, with the final ``/``.
        model_version: version of the engine that the children will have.
        job_folder: the job's own folder, instead of one under ``jobs_root``; ends in ``/``. A job
            that has a folder already keeps it.

    Raises:
        ObjectNotFoundError: the manifest does not exist.
        InvalidInputError: it is not a manifest or names no photos, the job folder contains
            another job, or the folder that the job has is missing.
        CollectionNotFoundError: the collection does not exist and is not to be created.
        ModelMismatchError: its faces have another model version.
    """
    with _find_source(request, objects, job_folder or jobs_root) as source:
        if not source.inspection.photos:
            raise InvalidInputError(f"{request.manifest or 'the input'} names no photos")
        prepared = prepare_collection(
            request.collection_id,
            model_version=model_version,
            create=request.create_collection,
            now=time.time(),
            records=records,
        )
        rounds = _Rounds(request, source, prepared.collection, objects, jobs_root, job_folder)
        plan, job_round = rounds.latest()
        if plan is not None and needs_new_round(request, plan, objects):
            plan, job_round = None, job_round + 1
        if plan is None:
            plan = _store(objects, rounds.plan(job_round), source.listing)
    return PlannedJob(plan, prepared.created)


class _Rounds:
    """The rounds of a job: round 0, and one for each time that it was processed again."""

    def __init__(
        self,
        request: JobRequest,
        source: _FoundSource,
        collection: Collection,
        objects: ObjectStore,
        jobs_root: str,
        job_folder: str | None,
    ) -> None:
        self._request, self._source, self._collection = request, source, collection
        self._objects, self._jobs_root, self._job_folder = objects, jobs_root, job_folder

    def latest(self) -> tuple[Plan | None, int]:
        """Return the plan of the latest round, None if there is none yet, and its number."""
        plan, job_round = self._read(0), 0
        while plan is not None and (following := self._read(job_round + 1)) is not None:
            plan, job_round = following, job_round + 1
        return plan, job_round

    def plan(self, job_round: int) -> Plan:
        """Return the plan of a new round."""
        job_id, folder = self._names(job_round)
        plan = _plan(self._request, job_id, folder, self._source, self._collection)
        request = self._request
        return replace(
            plan,
            round=job_round,
            force=request.force or request.restore_deleted,
            restore_deleted=request.restore_deleted,
        )

    def _read(self, job_round: int) -> Plan | None:
        job_id, folder = self._names(job_round)
        return _planned_before(self._objects, folder, job_id)

    def _names(self, job_round: int) -> tuple[str, str]:
        """Return the id and the folder of a round: the folder that it has, or would have."""
        job_id = _job_id(self._request, self._source, self._collection, job_round)
        if self._job_folder is None:
            requested = f"{self._jobs_root}{job_id}/"
        else:
            requested = self._job_folder + (f"round-{job_round}/" if job_round else "")
        try:
            entry = find_entry(self._objects, self._jobs_root, job_id)
        except InvalidInputError:
            # The folder was moved, unless the request names where it is now.
            if not _contains(self._objects, requested, job_id):
                raise
            entry = None
        return job_id, requested if entry is None else entry.job_folder


@dataclass(frozen=True, slots=True)
class Preview:
    """What a job would process, known before it starts.

    Attributes:
        photos: about how many photos it has.
        exact: whether they were counted.
        children: how many children it would have.
    """

    photos: int
    exact: bool
    children: int


def preview_job(request: JobRequest, objects: ObjectStore, *, jobs_root: str) -> Preview:
    """Return what ``plan_job`` would plan, without storing anything.

    Args:
        request: what to index.
        objects: contains the manifest.
        jobs_root: see ``plan_job``; local jobs have smaller children.

    Raises:
        ObjectNotFoundError: the manifest does not exist.
        InvalidInputError: it is not a manifest.
    """
    with _find_source(request, objects, jobs_root) as source:
        inspection = source.inspection
    local = scheme_of(jobs_root) == "file"
    _, children = _children(inspection, request.images_per_child, local=local)
    return Preview(inspection.photos, inspection.exact, children)


@dataclass(frozen=True, slots=True)
class _FoundSource:
    """What a request names.

    Attributes:
        identity: changes whenever the photos do.
        base: the folder of relative paths, or None.
        inspection: the manifest, or the listing as it is in the temporary file.
        listing: temporary file of a listing that is not stored yet; None for a manifest.
    """

    identity: str
    base: str | None
    inspection: Inspection
    listing: Path | None = None


@contextmanager
def _find_source(request: JobRequest, objects: ObjectStore, exclude: str) -> Iterator[_FoundSource]:
    """Inspect what a request names; a listing exists in a temporary file during the block."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        yield _inspect_source(request, objects, exclude, file)


def _inspect_source(
    request: JobRequest, objects: ObjectStore, exclude: str, file: IO[bytes]
) -> _FoundSource:
    if request.manifest is None:
        base = f"{Path.cwd()}/" if scheme_of(exclude) == "file" else None
        identity = write_entries(((entry, "") for entry in request.images), file)
        return _listed(identity, base, file)
    uri = request.manifest
    if scheme_of(uri) == "file":
        # Path.resolve would follow links, away from where the user has the photos.
        uri = os.path.abspath(uri) + "/" * Path(uri).is_dir()  # noqa: PTH100
    if uri.endswith("/"):
        identity = write_entries(folder_entries(objects, uri, exclude, request.listing), file)
        return _listed(identity, uri, file)
    info, sample = read_sample(objects, uri)
    if is_inventory(uri, sample):
        return _FoundSource(f"{uri} {info.version}", None, inspect_inventory(objects, info))
    if is_photo(uri, sample):
        photo = ManifestEntry(uri, derived_external_image_id(PurePosixPath(uri).name))
        return _listed(write_entries([(photo, info.version)], file), None, file)
    return _FoundSource(f"{uri} {info.version}", folder_of(uri), inspect(info, sample))


def _listed(identity: str, base: str | None, file: IO[bytes]) -> _FoundSource:
    file.flush()
    inspection = inspect(*read_sample(LocalObjects(), file.name))
    return _FoundSource(identity, base, inspection, Path(file.name))


def _job_id(
    request: JobRequest, source: _FoundSource, collection: Collection, job_round: int
) -> str:
    named = json.dumps(
        [
            PLAN_VERSION,
            source.identity,
            collection.collection_id,
            collection.created_at,
            options_to_json(request.options),
            collection.model_version,
            request.images_per_child,
            job_round,
        ],
        sort_keys=True,
    )
    digest = hashlib.sha256(named.encode()).hexdigest()
    return f"{collection.collection_id[:40]}-{digest[:12]}"


def _contains(objects: ObjectStore, folder: str, job_id: str) -> bool:
    try:
        return read_plan(objects, folder).job_id == job_id
    except (ObjectNotFoundError, InvalidInputError):
        return False


def _planned_before(objects: ObjectStore, folder: str, job_id: str) -> Plan | None:
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


def _plan(
    request: JobRequest,
    job_id: str,
    folder: str,
    source: _FoundSource,
    collection: Collection,
) -> Plan:
    inspection, local = source.inspection, scheme_of(folder) == "file"
    stripes, children = _children(inspection, request.images_per_child, local=local)
    return Plan(
        job_id=job_id,
        job_folder=folder,
        collection_id=collection.collection_id,
        collection_created_at=collection.created_at,
        model_version=collection.model_version,
        options=request.options,
        source=inspection.source,
        base=source.base,
        local=local,
        stripes=stripes,
        children=children,
        estimated_photos=inspection.photos,
        exact=inspection.exact,
        created_at=time.time(),
    )


def images_per_child(photos: int, *, local: bool = False) -> int:
    """Return the default number of photos per child.

    Args:
        photos: number of photos of the job.
        local: whether it runs on one machine.
    """
    min_photos, max_photos = LOCAL_IMAGES_PER_CHILD if local else IMAGES_PER_CHILD
    children = LOCAL_CHILDREN if local else CHILDREN
    return min(max_photos, max(min_photos, -(-photos // children)))


def _children(inspection: Inspection, requested: int | None, *, local: bool) -> tuple[int, int]:
    """Return how many children share a file, and how many there are in all."""
    photos, files = inspection.photos, inspection.source.files
    if not photos:
        return 1, 0
    per_child = requested or images_per_child(photos, local=local)
    if inspection.source.kind is SourceKind.RANGES:
        return 1, min(MAX_CHILDREN, -(-photos // per_child))
    if files > MAX_CHILDREN:
        raise InvalidInputError(
            f"the inventory has {files} files, more than the {MAX_CHILDREN} children of a job"
        )
    stripes = min(MAX_STRIPES, MAX_CHILDREN // files, -(-photos // (per_child * files)))
    return stripes, stripes * files


def _store(objects: ObjectStore, plan: Plan, listing: Path | None) -> Plan:
    """Store a plan, and its listing before it; of concurrent plans the first one wins."""
    if listing is not None:
        # A new name each time: the manifest that another plan has pinned must not change.
        uri = f"{plan.job_folder}manifest-{secrets.token_hex(4)}.jsonl"
        objects.write_file(uri, listing)
        plan = replace(plan, source=inspect(*read_sample(objects, uri)).source)
    content = json.dumps(plan.to_json(), indent=1).encode()
    if objects.write(plan_uri(plan.job_folder), content, if_absent=True):
        return plan
    return _planned_before(objects, plan.job_folder, plan.job_id) or plan
