"""Advances the import of the faces of a job into Pinecone, for the workflow."""

from __future__ import annotations

import os
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from facerec.config import read_settings, required_setting
from facerec.errors import JobDeletedError, ObjectNotFoundError
from facerec.factory import open_imports
from facerec.jobs.aws.log import logger
from facerec.jobs.bulk_import.importing import Advance, AdvanceState, advance_import
from facerec.jobs.bulk_import.progress import delete_files_of
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.plan import read_plan
from facerec.storage.objects import Objects

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.plan import Plan
    from facerec.storage.objects import ObjectStore

WRITES_FOR = 600.0
"""Seconds after which no further file is started: the function has 15 minutes, and a file takes
less than one."""


def import_job(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Advance the import of the faces of a job.

    Args:
        gallery: The gallery.
        event: ``import_job``, the folder of a job whose children are complete.

    Returns:
        ``state``, an ``AdvanceState``, and ``cause``, which is empty unless the state is FAILED.

    Raises:
        FacerecError: A store or service failed; another attempt continues.
    """
    settings, objects, job_folder = read_settings(os.environ), Objects(), str(event["import_job"])
    job_id, until = PurePosixPath(job_folder).name, time.monotonic() + WRITES_FOR
    with open_imports(settings) as imports:
        try:
            plan = _plan_of(objects, job_folder)
            with while_it_exists(plan, objects):
                advance = advance_import(
                    plan,
                    objects,
                    imports,
                    required_setting(settings.pinecone_integration_id, "PINECONE_INTEGRATION_ID"),
                    has_time=lambda: time.monotonic() < until,
                    now=time.time(),
                )
        except JobDeletedError:
            # The report states that the collection was deleted, and this job with it.
            imports.cancel_inside(f"/{job_id}/")
            delete_files_of(job_id, objects, settings.jobs_root)
            gallery.sweep()
            return _answer(Advance(AdvanceState.DONE))
    if advance.state in (AdvanceState.DONE, AdvanceState.FAILED):
        # Erasures that were requested in the meantime waited for the import.
        gallery.resume_erasures(older_than=0, collection_id=plan.collection_id)
        logger().info("import ended", job_id=job_id, state=advance.state)
    return _answer(advance)


def _plan_of(objects: ObjectStore, job_folder: str) -> Plan:
    try:
        return read_plan(objects, job_folder)
    except ObjectNotFoundError:
        raise JobDeletedError(job_folder) from None


def _answer(advance: Advance) -> dict[str, Any]:
    return {"state": str(advance.state), "cause": advance.cause}
