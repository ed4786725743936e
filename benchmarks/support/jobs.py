"""Jobs in a temporary folder, run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facerec.core.protocols import FaceEngine
from facerec.jobs.child.attempt import ChildParts, run_child
from facerec.jobs.plan import Plan
from facerec.jobs.planner import plan_job
from facerec.jobs.request import read_execution_input
from facerec.storage.objects import ObjectStore
from facerec.storage.objects.local import LocalObjects
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
    job = read_execution_input(
        {
            "collection_id": "measured",
            "manifest": manifest,
            "images_per_child": images_per_child or len(photos),
            "options": {"detector": detector},
        }
    )
    return plan_job(job, objects, jobs_root=f"{folder}/jobs/", model_version=engine.model_version)


def run(plan: Plan, engine: FaceEngine, store: Path, objects: ObjectStore | None = None) -> int:
    """Run a job's children in turn and return the number of photos in the ledger."""
    with SqliteStore(store) as faces:
        parts = ChildParts(engine, faces, objects or LocalObjects())
        children = [run_child(plan, child, parts) for child in range(plan.children)]
    assert all(child.complete for child in children)
    return sum(child.tally.images for child in children)
