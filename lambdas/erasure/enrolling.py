"""Creates people from the names of photos, for the workflow and for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_FUNCTION_ANSWER
from facerec.core.recording import requested_by
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    DeletedCollectionError,
    InvalidInputError,
    ModelMismatchError,
    NotFoundError,
    ReceiptDamagedError,
    StoreUnavailableError,
)
from facerec.gallery.people.enrolling import require_named
from facerec.gallery.presenting.enrolment import enrolment_json
from facerec.jobs.aws.erasure_function import pack
from facerec.jobs.aws.log import logger
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.folders import has_plan
from facerec.jobs.ledger.child_runs import run_number
from facerec.jobs.ledger.enrolment_record import write_enrolled
from facerec.jobs.person_names import name_rule, require_photos
from facerec.jobs.plan import read_plan
from facerec.storage.objects import Objects

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.gallery.people.enrolment_rules import NameOf


def enrol(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Create people for a caller, and return their names.

    Args:
        gallery: The gallery.
        event: ``enrol``, a collection; ``source``, the prefix or manifest that was indexed;
            ``person_from``, the rule for names; ``by`` and ``why``, for the history.

    Returns:
        ``packed``, the outcome (``schemas/enrolment.json``).

    Raises:
        FacerecError: See ``Gallery.enrol_people`` and ``name_rule``.
        InvalidInputError: The source is not in S3, contains no photos or names no stored photo, or
            the outcome is too large for one response.
    """
    source = str(event["source"])
    if not source.startswith("s3://"):
        raise InvalidInputError(
            f"{source!r} is not an s3:// address", "name the prefix or manifest that was indexed"
        )
    objects = Objects()
    name_of = name_rule(str(event["person_from"]), source, objects)
    require_photos(source, objects)
    with requested_by(event.get("by"), event.get("why")):
        enrolment = gallery.enrol_people(str(event["enrol"]), name_of)
    require_named(enrolment, source)
    logger().info("enrolled", people=enrolment.people, faces=enrolment.associated)
    hint = "the people are created; enrol a part of the photos to see which got no name"
    return {"packed": pack(enrolment_json(enrolment), MAX_FUNCTION_ANSWER, hint=hint)}


def enrol_job(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Create the people of a job, and store the counts in its folder.

    Args:
        gallery: The gallery.
        event: ``enrol_job``, the folder of a complete job; ``source`` and ``person_from`` as for
            ``enrol``.

    Returns:
        ``refused``, whether the people cannot be created, with ``error`` and ``cause``. If the job
        was deleted in the meantime, ``refused`` is false, although nobody is created: the report
        states why. The execution keeps the result, which therefore contains no names.

    Raises:
        FacerecError: A store or service failed; another attempt continues.
    """
    objects, job_folder = Objects(), str(event["enrol_job"])
    try:
        plan = read_plan(objects, job_folder)
        name_of = name_rule(str(event["person_from"]), str(event["source"]), objects)
        with while_it_exists(plan, objects), requested_by(None, f"job {plan.job_id}"):
            enrolment = _enrol(gallery, plan.collection_id, name_of)
            run = run_number(objects, job_folder)
            done = write_enrolled(objects, job_folder, run, enrolment)
    except (InvalidInputError, ModelMismatchError, NotFoundError) as error:
        # If the collection was deleted, and this job with it, the report states this.
        refused = has_plan(objects, job_folder)
        return {"refused": refused, "error": type(error).__name__, "cause": error.message}
    logger().info("enrolled", job_id=plan.job_id, people=done.people, faces=done.associated)
    return {"refused": False, "error": "", "cause": ""}


def _enrol(gallery: Gallery, collection_id: str, name_of: NameOf) -> Enrolment:
    try:
        return gallery.enrol_people(collection_id, name_of)
    except (CollectionNotFoundError, DeletedCollectionError, ReceiptDamagedError):
        # Another attempt would end the same way; these messages contain no name of a person.
        raise
    except (ConflictError, InvalidInputError, NotFoundError):
        # Somebody else has created, deleted or changed a person or a face. The messages of these
        # errors may name a person; the workflow tries again.
        raise StoreUnavailableError(
            "people could not be created: a person, a face or the collection is being changed"
        ) from None
