"""Restricts a job's writes to the collection that it was planned for, not a later one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.existing import collection_or_none
from facerec.core.records import new_collection

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore


def collection_of(plan: Plan) -> Collection:
    """Return the collection that a plan identifies, with its creation time and model version."""
    return new_collection(
        plan.collection_id,
        plan.model_version,
        plan.collection_created_at,
        first_version=plan.first_version,
    )


def store_of_planned(
    plan: Plan, faces: FaceStore, records: RecordStore, *, writes: bool = True
) -> FaceStore:
    """Return the store of the collection that a job was planned for.

    It never writes into a later collection with the same id, and refuses to write faces of a model
    version that the collection does not serve (``ConflictError``).

    Args:
        plan: The job's plan, which names the creation of its collection.
        faces: The store of the faces.
        records: Store of the collections.
        writes: Whether faces will be written. If not, the faces of a collection that has since
            been migrated can be read too.
    """
    planned = collection_of(plan)
    collection = collection_or_none(plan.collection_id, records)
    if collection is None:
        return faces.of(planned)
    same = collection.created_at == plan.collection_created_at
    # A job that was planned before a migration must not store faces of the earlier version.
    own = replace(collection, model_version=plan.model_version) if writes else collection
    return faces.of(own if same else planned)
