"""Updates the plans of jobs whose collection was migrated after they were planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import MigrationError, MigrationRemedy
from facerec.gallery.migrating.settled import require_settled
from facerec.jobs.erasing.job_versions import change_version
from facerec.jobs.plan import read_plan
from facerec.jobs.verifying.job_check import count_lost_faces

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore
    from facerec.storage.sqlite import SqliteStore


def with_served_version(
    plan: Plan, objects: ObjectStore, jobs_root: str, store: SqliteStore
) -> Plan:
    """Return a plan with the model version that its collection serves now.

    A migration changes the job folders that exist when it is finished. A plan that was written
    later, or that came back with an older copy of its folder, still has the earlier version. Its
    folder is then changed by this call.

    Raises:
        MigrationError: The collection was switched to another model version, and the migration is
            not finished; or the folder may contain faces that the collection has lost, which would
            be removed.
        FacerecError: A job folder that may contain embeddings cannot be read.
    """
    collection_id = plan.collection_id
    require_settled(collection_id, store)
    collection = store.get_collection(collection_id)
    if plan.model_version == collection.model_version:
        return plan
    if count_lost_faces(collection_id, objects, jobs_root, faces=store, records=store):
        raise MigrationError(
            f"job {plan.job_id} has faces that collection {collection_id!r} has lost, and that "
            "have a different model version from the one that it serves now",
            MigrationRemedy.DELETE_JOB,
        )
    change_version(
        objects, jobs_root, collection, lambda face_ids: store.get_faces(collection_id, face_ids)
    )
    return read_plan(objects, plan.job_folder)
