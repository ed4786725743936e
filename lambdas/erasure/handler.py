"""Erases deleted data, rebuilds collections, creates people from the names of photos, and more.

The API invokes the function after it has recorded a deletion. A schedule invokes it each hour, to
complete erasures that were killed, and to erase faces that were stored for deleted collections or
whose retention period is over. The command line invokes it to erase data, to rebuild a collection,
to start a clustering, or to create, read and change people. The workflow invokes it for these
steps:

- Rebuild a collection whose records were lost.
- Import faces into Pinecone.
- Remove the faces of photos that were replaced or are gone.
- Create the people after whom the photos of a job are named.
- Migrate collections.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from facerec.config import read_settings
from facerec.core.erasures import SubjectKind
from facerec.core.limits import MAX_FUNCTION_ANSWER
from facerec.errors import (
    ConflictError,
    FaceNotFoundError,
    FacerecError,
    InvalidInputError,
    JobDeletedError,
    ModelMismatchError,
    NotFoundError,
    ObjectNotFoundError,
    PhotoTooLargeError,
)
from facerec.factory import (
    open_deployed_checked_stores,
    open_eraser,
    open_faces,
    open_records,
    rebuild_deployed_collection,
)
from facerec.gallery.presenting.collections import summary_json
from facerec.gallery.subjects import subject_name
from facerec.jobs.aws.erasure_function import pack
from facerec.jobs.aws.log import logger
from facerec.jobs.difference import Removal
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.erasure_check.check import Remainder, erase_and_check
from facerec.jobs.ledger.child_runs import RunNote, add_run_note
from facerec.jobs.plan import read_plan
from facerec.jobs.stale_faces import deletion_by, remove_stale
from facerec.storage.objects import Objects
from lambdas.erasure import migrating
from lambdas.erasure.clusters import describe_clustering, start_clustering
from lambdas.erasure.enrolling import enrol, enrol_job
from lambdas.erasure.importing import import_job
from lambdas.erasure.requests import answer as answer_request
from lambdas.erasure.scheduled import run_scheduled, sweep_for

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.verifying.segment_check import Verification


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Perform the operation that an event requests, or the regular work of the schedule.

    An event of one of these kinds has the named keys:

    - ``erasure_id``: completes a recorded erasure.
    - ``collection_id``, ``subject`` and ``name``: erases data (of a person by id or display name).
      With ``check``, the function searches for data that is left instead; with ``export``, it
      returns the stored data.
    - ``collection_id`` and ``thumbnails``, ids of faces: returns thumbnails.
    - ``describe``, a collection: returns it. ``retention_days`` first sets for how long it keeps
      faces.
    - ``rebuild``, a collection, and the ``job_folder`` of the job that waits for it.
    - ``remove_stale``, the folder of a complete job.
    - ``enrol`` or ``enrol_job``: creates people (``lambdas.erasure.enrolling``).
    - ``import_job``: imports the faces of a job (``lambdas.erasure.importing``).
    - ``start_clustering`` or ``describe_clustering``, a collection (``lambdas.erasure.clusters``).
    - ``operation``: a request of a command (``lambdas.erasure.requests``).
    - A step of a migration (``lambdas.erasure.migrating``).
    - ``sweep``: erases data whose collection or person no longer exists, for at most ``seconds``.

    Any other event is an event of the schedule.

    Args:
        event: The event. With ``returns_refusals``, the answer to an invalid request is a refusal,
            not a failure of the function, which would raise an alarm.

    Returns:
        One of these, by the event: ``erasures``, ids of the completed erasures; ``receipt`` of the
        erasure, and the data that is ``left``; the exported data, packed (``pack``);
        ``thumbnails``, JPEG files in base64 by face id; a collection (``schemas/collection.json``);
        the counts of a rebuilt collection, or of a removal; what ``enrolling``, ``importing``,
        ``migrating``, ``requests`` and ``sweep_for`` answer; or ``refused``, an error as JSON
        values.

    Raises:
        FacerecError: A store or service failed, so that another attempt may succeed; or, without
            ``returns_refusals``, the request is invalid.
    """
    try:
        return _answer(_gallery(), event)
    except (ConflictError, InvalidInputError, ModelMismatchError, NotFoundError) as error:
        if event.get("returns_refusals"):
            return {"refused": error.to_json()}
        raise
    except FacerecError as error:
        # Of an error, Lambda returns only the text to the caller.
        error.args = ("; ".join(filter(None, (error.message, error.consequence))),)
        raise


def _answer(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    for name, answer in _ANSWERS.items():
        if name in event:
            return answer(gallery, event)
    if "erasure_id" in event:
        completed = gallery.resume_erasure(str(event["erasure_id"]))
        # None if another attempt has completed the erasure, or if it waits for an import.
        is_done = completed is not None and completed.finished_at is not None
        done = [completed.erasure_id] if completed is not None and is_done else []
    else:
        done = run_scheduled(gallery, clock=time.monotonic)
    logger().info("erased", erasures=done)
    return {"erasures": done}


def _erase(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    collection_id, subject, name = _subject(gallery, event)
    left = list[Remainder]()
    if event.get("check"):
        stores = open_deployed_checked_stores(read_settings(os.environ))
        receipt, left = erase_and_check(gallery, collection_id, subject, name, stores)
    else:
        receipt = gallery.erase(collection_id, subject, name)
    logger().info("erased", erasures=[receipt.erasure_id], left=len(left))
    return {"receipt": receipt.to_stored_json(), "left": [asdict(each) for each in left]}


def _subject(gallery: Gallery, event: dict[str, Any]) -> tuple[str, SubjectKind, str]:
    """Return the collection, and the kind and name of the subject to erase or export."""
    collection_id, subject = str(event["collection_id"]), SubjectKind(event["subject"])
    return collection_id, subject, subject_name(gallery, collection_id, subject, str(event["name"]))


def _export(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    collection_id, subject, name = _subject(gallery, event)
    exported = gallery.export(collection_id, subject, name, thumbnails=False)
    hint = "export the photos one by one"
    return {"packed": pack(exported.to_json(), MAX_FUNCTION_ANSWER, hint=hint)}


def _thumbnails(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for face_id in event["thumbnails"]:
        # The photo of the face may be gone, or have changed.
        with suppress(ObjectNotFoundError, PhotoTooLargeError, FaceNotFoundError):
            content = gallery.thumbnail(str(event["collection_id"]), str(face_id))
            found[face_id] = base64.b64encode(content).decode()
    return {"thumbnails": found}


def _describe(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    collection_id = str(event["describe"])
    if "retention_days" in event:
        gallery.set_retention(collection_id, event["retention_days"])
    return summary_json(gallery.describe_collection(collection_id))


def _rebuild(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    collection_id, job_folder = str(event["rebuild"]), event.get("job_folder")
    result = rebuild_deployed_collection(read_settings(os.environ), gallery, collection_id)
    if job_folder is not None:
        _note_restored(result.faces, job_folder)
    logger().info("rebuilt", missing=result.faces.missing, lost=result.faces.lost)
    return result.to_json()


def _note_restored(found: Verification, job_folder: str) -> None:
    """Record the counts of the data restored before a job, for the summary of its run."""
    objects = Objects()
    try:
        plan = read_plan(objects, job_folder)
        with while_it_exists(plan, objects):
            note = RunNote(
                None,
                restored=found.missing,
                removed=found.extra,
                kept=found.kept,
                deleted=found.deleted,
                returned=found.returned,
                people_returned=found.people_returned,
                outdated=found.outdated,
                moved=found.moved,
            )
            add_run_note(objects, job_folder, note)
    except (ObjectNotFoundError, JobDeletedError):
        # The collection was deleted, and this job with it.
        return


def _remove_stale(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    settings, objects, job_folder = read_settings(os.environ), Objects(), event["remove_stale"]
    try:
        plan = read_plan(objects, job_folder)
    except ObjectNotFoundError:
        # The collection was deleted, and this job with it; the report states this.
        return asdict(Removal())
    faces, records = open_faces(settings), open_records(settings)
    try:
        with while_it_exists(plan, objects):
            removal = remove_stale(
                plan, objects, faces, records, settings.jobs_root, deletion_by(gallery)
            )
    except JobDeletedError:
        return asdict(Removal())
    logger().info("removed", job_id=plan.job_id, photos=removal.photos, faces=removal.faces)
    return asdict(removal)


_ANSWERS: dict[str, Callable[[Gallery, dict[str, Any]], dict[str, Any]]] = {
    "rebuild": _rebuild,
    "remove_stale": _remove_stale,
    "enrol": enrol,
    "enrol_job": enrol_job,
    "import_job": import_job,
    "begin_migration": migrating.begin,
    "describe_range": migrating.describe_range,
    "end_migration": migrating.end,
    "migration_status": migrating.show,
    "check_migration": migrating.check_page,
    "finish_migration": migrating.finish,
    "start_clustering": start_clustering,
    "describe_clustering": describe_clustering,
    "operation": answer_request,
    "describe": _describe,
    "sweep": sweep_for,
    "thumbnails": _thumbnails,
    "export": _export,
    "subject": _erase,
}
"""Functions that answer an event, by a field of the event. The first of these fields that an event
has decides: exports have the fields of erasures too."""


@cache
def _gallery() -> Gallery:
    return open_eraser(read_settings(os.environ))
