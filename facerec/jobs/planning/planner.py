"""Plans a job from its request and the photos that earlier jobs remember.

``plan_job`` creates all plans, for the command line, REST and the workflow on AWS:

1. ``find_source`` finds the source. Of a manifest, only the size and a sample are read yet.
2. A collection whose database was lost is restored (``lost_collections``). If the request creates
   people, their names are checked.
3. ``find_changes``: photos that have not changed since an earlier job of the collection are omitted
   (``jobs.remembered``). A folder or prefix is listed for this. A manifest is read, unless the
   collection has had no job, or the manifest is too long.
4. ``prepare_collection`` creates the collection if it does not exist and the request allows it, and
   identifies this creation.
5. ``Rounds``: the id of the job is derived from all that, so that the same request finds the same
   job again. A request for a collection that was deleted and created again finds a new one. A
   request for a bulk import is refused if the collection cannot have one.
6. The plan is read from the job folder if it exists; otherwise it is stored there. If the faces
   will be imported, ``plan_import`` records this first. A job whose plan is not what the request
   would plan now (``rounds``) gets a new round, which is a separate job. So does a complete job
   with ``prune`` if there is a doubt about the remembered photos (``remembered.doubts``).
7. ``Memory.record_start`` notes the job beside the remembered photos of the collection: later jobs
   find it there. On one machine, ``LocalRuns`` notes it again when its turn comes. If photos were
   erased since these were read, the new plan may name them, and the erasure may not have seen it.
   Then the plan is deleted, and everything is done again. ``UncheckedPlans`` notes the plan until
   then, so that the next planner makes this check if this one is killed. Everything is also done
   again if another planner has made that check for this one, or if somebody has deleted the job.
8. Earlier jobs enter the face index of the collection (``_cover_earlier_jobs``). Only then are the
   remembered photos of many jobs merged into one file, since that file does not name the jobs
   (``Memory.merge_notes``).
9. ``keep_settings`` stores a copy of the collection's settings beside its job folders, for a
   restoration.
10. If the collection was deleted in the meantime, the deletion may not have seen the plan. Then the
   plan is deleted, with its lists (``UncheckedPlans.abandon``), and the request is refused.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.existing import collection_or_none
from facerec.core.options import checked_recipe
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    DeletedCollectionError,
    InvalidInputError,
    ObjectNotFoundError,
)
from facerec.gallery.indexing.preparing import prepare_collection
from facerec.jobs.bulk_import.progress import is_import_pending, plan_import
from facerec.jobs.erasing.covered_jobs import cover_jobs
from facerec.jobs.erasing.folder_deletion import complete_deletion
from facerec.jobs.erasing.unchecked_plans import UncheckedPlans
from facerec.jobs.folders import note_folder_elsewhere
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from facerec.jobs.ledger.layout import stale_uri
from facerec.jobs.manifest.inspection import inspect, read_sample
from facerec.jobs.plan import Plan, manifests_prefix, plan_uri
from facerec.jobs.planning.changes import Changes, find_changes
from facerec.jobs.planning.names import require_names
from facerec.jobs.planning.round_plans import Rounds, planned_before
from facerec.jobs.planning.rounds import is_complete, needs_new_round
from facerec.jobs.planning.source import find_source
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.unfinished import unfinished_replacements
from facerec.jobs.verifying.lost_collections import keep_settings, restore_if_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.errors import FacerecError
    from facerec.gallery.receipts import Erasures
    from facerec.jobs.planning.request import JobRequest
    from facerec.jobs.remembered.stale_photos import StalePhoto
    from facerec.storage.objects.protocol import ObjectStore


def plan_job(
    request: JobRequest,
    objects: ObjectStore,
    records: RecordStore,
    *,
    jobs_root: str,
    model_version: str,
    recipes: Mapping[str, str] | None = None,
    job_folder: str | None = None,
    on_listed: Callable[[int], None] = lambda listed: None,
    erasures: Erasures | None = None,
) -> Plan:
    """Plan a job and store the plan in the job folder, or return the existing plan.

    Args:
        request: The photos, the collection and the options of the job.
        objects: Contains the manifest and the job folder.
        records: Store of the collections.
        jobs_root: Parent of all job folders, with the final ``/``.
        model_version: Model version of a new collection, unless the request names a recipe.
        recipes: Model versions of the children's engines by recipe; None if ``model_version`` is
            the only one.
        job_folder: The job's own folder, instead of one under ``jobs_root``; ends in ``/``. An
            existing job keeps its folder.
        on_listed: Called repeatedly with the number of objects listed in a folder or prefix.
        erasures: Records which collections were deleted or are being deleted. A missing collection
            that was not deleted is restored, and a collection that is being deleted is refused.
            None does neither.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        InvalidInputError: The input is not a manifest, contains no photos or has no names for the
            people to create, more photos are gone than may be pruned, the job folder contains
            another job, the job's existing folder is missing, or the faces cannot be imported.
        JobFolderError: A file in a job folder or of the remembered photos is damaged.
        RecipeUnavailableError: ``recipes`` does not have the recipe of the request.
        CollectionNotFoundError: The collection does not exist, and the request does not create it.
        ModelMismatchError: The collection's faces have another model version.
        ConflictError: The deletion of the collection is not finished, or the faces of another job
            are still to be imported.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
        StoreUnavailableError: Another job of the collection is being planned, with an import.
    """
    while True:
        plan = _plan_once(
            request,
            objects,
            records,
            jobs_root=jobs_root,
            model_version=model_version,
            recipes=recipes or {},
            job_folder=job_folder,
            on_listed=on_listed,
            erasures=erasures,
        )
        if plan is not None:
            return plan
        # A collection that was deleted in the meantime stays deleted.
        request = replace(request, create_collection=False)


def _plan_once(
    request: JobRequest,
    objects: ObjectStore,
    records: RecordStore,
    *,
    jobs_root: str,
    model_version: str,
    recipes: Mapping[str, str],
    job_folder: str | None,
    on_listed: Callable[[int], None],
    erasures: Erasures | None,
) -> Plan | None:
    """Plan a job like ``plan_job``; return None if it must be planned again.

    Photos were erased in the meantime, or another planner or a deletion has deleted the plan.
    """
    if erasures is not None:
        erasures.require_usable(request.collection_id, records)
    source = find_source(request, objects, job_folder or jobs_root, on_listed)
    if erasures is not None:
        restore_if_lost(request.collection_id, objects, jobs_root, records, erasures)
    unchecked = _open_unchecked(request, objects, records, jobs_root)
    memory = _open_memory(request, objects, records, jobs_root)
    if memory is not None and job_folder is not None:
        memory.relocate(job_folder)
    if request.person_from is not None:
        require_names(request.person_from, source, memory, objects)
    with find_changes(request, source, objects, memory) as found:
        changes = found.within_limit(request)
        changes.check(request)
        if found.to_prune and not changes.to_prune:
            # Too many photos are gone, and the request then skips pruning.
            request = replace(request, prune=False)
        prepared = prepare_collection(
            request.collection_id,
            model_versions=_model_versions(request, model_version, recipes),
            create=request.create_collection,
            now=time.time(),
            records=records,
        )
        unchecked = unchecked or UncheckedPlans(objects, jobs_root, prepared.collection)
        memory = memory or Memory(objects, jobs_root, prepared.collection)
        rounds = Rounds(request, changes, prepared.collection, objects, jobs_root, job_folder)
        plan, job_round = rounds.latest()
        _require_importable(request, plan, memory, prepared.collection)
        if (
            plan is not None
            and not is_import_pending(plan, objects)
            and needs_new_round(
                request, plan, changes, memory, prepared.collection, objects, jobs_root
            )
        ):
            plan, job_round = None, job_round + 1
        if plan is None:
            new = replace(rounds.plan(job_round), new_collection=prepared.created)
            complete_deletion(objects, jobs_root, new.job_folder)
            plan_import(new, objects)
            replacements = unfinished_replacements(memory, objects)
            unchecked.note(new)
            try:
                plan = _store(objects, new, changes, replacements)
            except ObjectNotFoundError:
                # An erasure or another planner has deleted the lists.
                return None
    # Erasures find a folder elsewhere by this note. It precedes the check, so that they miss no
    # plan.
    note_folder_elsewhere(objects, jobs_root, plan)
    number = memory.record_start(plan)
    if not unchecked.check(plan, number):
        return None
    with suppress(CollectionNotFoundError):
        _cover_earlier_jobs(plan, objects, jobs_root, memory)
        memory.merge_notes(plan, before=number)
        keep_settings(plan.collection_id, objects, jobs_root, records)
    _abandon_if_deleted(plan, prepared.collection, records, erasures, unchecked)
    return plan


def _abandon_if_deleted(
    plan: Plan,
    collection: Collection,
    records: RecordStore,
    erasures: Erasures | None,
    unchecked: UncheckedPlans,
) -> None:
    """Check that a collection was not deleted while a job was planned; else delete the plan.

    Raises:
        CollectionNotFoundError: The collection was deleted.
        ConflictError: The deletion of the collection is not finished.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
    """
    deletion = _deletion_of(collection, records, erasures)
    if deletion is not None:
        unchecked.abandon(plan)
        raise deletion


def _deletion_of(
    collection: Collection, records: RecordStore, erasures: Erasures | None
) -> FacerecError | None:
    """Return the error of a collection that was deleted, or is being deleted; otherwise None.

    A deletion that is noted later finds the plan, which is stored.
    """
    present = collection_or_none(collection.collection_id, records)
    if present is None or present.created_at != collection.created_at:
        return CollectionNotFoundError(collection.collection_id)
    try:
        if erasures is not None:
            erasures.require_not_deleted(present)
    except (ConflictError, DeletedCollectionError) as error:
        return error
    return None


def _open_unchecked(
    request: JobRequest, objects: ObjectStore, records: RecordStore, jobs_root: str
) -> UncheckedPlans | None:
    """Return the unchecked plans of a collection, without those that killed planners left.

    Returns:
        None if there is no such collection yet.
    """
    collection = collection_or_none(request.collection_id, records)
    if collection is None:
        return None
    unchecked = UncheckedPlans(objects, jobs_root, collection)
    unchecked.withdraw_outdated()
    return unchecked


def _open_memory(
    request: JobRequest, objects: ObjectStore, records: RecordStore, jobs_root: str
) -> Memory | None:
    """Return the remembered photos of a collection; None if there is no such collection yet."""
    collection = collection_or_none(request.collection_id, records)
    return None if collection is None else Memory(objects, jobs_root, collection)


def _model_versions(
    request: JobRequest, model_version: str, recipes: Mapping[str, str]
) -> list[str]:
    """Return the model versions that the faces may have; the one for a new collection first."""
    if request.recipe is None:
        return [model_version, *recipes.values()]
    return [recipes[checked_recipe(request.recipe, recipes)]]


def _require_importable(
    request: JobRequest, plan: Plan | None, memory: Memory, collection: Collection
) -> None:
    """Check that the faces of a job can be imported, if the request asks for an import.

    Args:
        request: The request.
        plan: The plan that its job has already, or None.
        memory: The remembered photos of the collection.
        collection: The collection.

    Raises:
        InvalidInputError: Another job has indexed the collection, or this one without an import, or
            the collection is or was migrated.
    """
    if request.bulk_import and collection.sides > 1:
        raise InvalidInputError(
            f"bulk_import: collection {request.collection_id!r} is being or was migrated, and "
            "Pinecone imports only into a new collection",
            "index without bulk_import",
        )
    # A job without a plan is new: it requires that no job was started before.
    if request.bulk_import and not (plan.bulk_import if plan else not memory.notes):
        raise InvalidInputError(
            f"bulk_import: jobs have indexed collection {request.collection_id!r} already, and "
            "Pinecone imports only into a new one",
            "index without bulk_import",
        )


def _store(
    objects: ObjectStore, plan: Plan, changes: Changes, replacements: Iterable[StalePhoto]
) -> Plan:
    """Store a plan after its lists; return the stored plan, which a concurrent call may have won.

    Args:
        objects: Store of the job folder.
        plan: The plan.
        changes: The work of the job.
        replacements: Replaced photos that other jobs list, and that this job must check too.

    Raises:
        ObjectNotFoundError: Somebody has deleted the lists.
    """
    if changes.manifest is not None:
        # Each listing gets a new name: the manifest that another plan has pinned must not change.
        uri = f"{manifests_prefix(plan.job_folder)}{secrets.token_hex(4)}.jsonl"
        objects.write_file(uri, Path(changes.manifest))
        plan = replace(plan, source=inspect(*read_sample(objects, uri)).source)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(photo.to_line() for photo in chain(changes.stale_photos(), replacements))
        file.flush()
        if file.tell():
            objects.write_file(stale_uri(plan.job_folder), Path(file.name))
    content = json.dumps(plan.to_json(), indent=1).encode()
    if objects.write(plan_uri(plan.job_folder), content, if_absent=True):
        return plan
    return planned_before(objects, plan.job_folder, plan.job_id) or plan


def _cover_earlier_jobs(plan: Plan, objects: ObjectStore, jobs_root: str, memory: Memory) -> None:
    """Add complete jobs to the face index of the collection, so that deletions skip them."""
    index = CollectionFaceIndex(objects, jobs_root, plan.collection_id)
    if index.covers(plan.job_id) and not is_complete(plan, objects):
        # The job's folder was restored from an older copy.
        index.remove(plan.job_id)
    earlier = {note.job_id for note in memory.notes if note.job_id not in (None, plan.job_id)}
    cover_jobs(index, objects, jobs_root, plan.collection_id, filter(None, earlier))
