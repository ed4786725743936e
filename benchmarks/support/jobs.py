"""Jobs in a temporary folder, run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from facerec.core.protocols.engine import FaceEngine
from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection
from facerec.errors import CollectionExistsError
from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import read_job_request
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore
from facerec.storage.sqlite import SqliteStore


def planned(
    photos: Sequence[str],
    folder: str,
    objects: ObjectStore,
    engine: FaceEngine,
    *,
    detector: str = "cnn",
    images_per_child: int | None = None,
) -> Plan:
    """Plan a job for the photos at these addresses; manifest and job folder are in ``folder``."""
    manifest = f"{folder}/manifest.txt"
    objects.write(manifest, "".join(f"{photo}\n" for photo in photos).encode())
    job = read_job_request(
        {
            "collection_id": "measured",
            "manifest": manifest,
            "images_per_child": images_per_child or len(photos),
            "options": {"detector": detector},
        }
    )
    return plan_job(
        job,
        objects,
        one_collection(engine.model_version),
        jobs_root=f"{folder}/jobs/",
        model_version=engine.model_version,
    )


def one_collection(model_version: str) -> RecordStore:
    """Return records in which every collection exists."""

    @dataclass
    class Records:
        def get_collection(self, collection_id: str) -> Collection:
            return Collection(collection_id, model_version, 0.0)

        def get_tags(self, _collection_id: str) -> dict[str, str]:
            return {}

    return cast("RecordStore", Records())


def create_collection(plan: Plan, store: Path) -> None:
    """Create the collection of a job, unless it exists."""
    with SqliteStore(store) as records, suppress(CollectionExistsError):
        records.create_collection(Collection(plan.collection_id, plan.model_version, 0.0))


def run(plan: Plan, engine: FaceEngine, store: Path, objects: ObjectStore | None = None) -> int:
    """Run a job's children in turn and return the number of photos in the ledger."""
    create_collection(plan, store)
    with SqliteStore(store) as faces:
        parts = ChildDependencies(engine, faces, faces, objects or LocalObjects())
        children = [run_child(plan, child, parts) for child in range(plan.children)]
    assert all(child.complete for child in children)
    return sum(child.tally.photos for child in children)
