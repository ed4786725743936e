"""The job folders below one root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.report import Report, read_report
from facerec.jobs.plan import Plan, read_plan
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The contents of a job folder; ``report`` is None if none was written yet."""

    plan: Plan
    report: Report | None


def read_folder(objects: ObjectStore, job_folder: str) -> JobFolder:
    """Read the plan and the report in a job folder.

    Raises:
        ObjectNotFoundError: the folder has no plan.
        InvalidInputError: the plan is invalid, or was written by another release of facerec.
    """
    plan = read_plan(objects, job_folder)
    try:
        return JobFolder(plan, read_report(objects, job_folder))
    except (ObjectNotFoundError, InvalidInputError):
        return JobFolder(plan, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a root contains of a job.

    Attributes:
        uri: the folder of this name in the root, with the final ``/``.
        job_folder: the job folder: the same, or one elsewhere.
        collection_id: collection of a job whose folder is elsewhere; None for the others.
    """

    uri: str
    job_folder: str
    collection_id: str | None = None


def find_folder(objects: ObjectStore, jobs_root: str, job_id: str) -> str:
    """Return the uri of the folder of a job, which may not exist."""
    return _entry(objects, f"{jobs_root}{job_id}/").job_folder


def list_entries(objects: ObjectStore, jobs_root: str) -> Iterator[Entry]:
    """Yield the entries of a root, in the order of their uris.

    Raises:
        InvalidInputError: an entry is damaged.
    """
    for uri in objects.folders(jobs_root):
        yield _entry(objects, uri)


def list_folders(objects: ObjectStore, jobs_root: str) -> Iterator[JobFolder]:
    """Yield the jobs of a root; those that cannot be read are skipped."""
    for uri in objects.folders(jobs_root):
        try:
            yield read_folder(objects, _entry(objects, uri).job_folder)
        except (ObjectNotFoundError, InvalidInputError):
            continue


def redirect(objects: ObjectStore, jobs_root: str, plan: Plan) -> None:
    """Note that a job has its folder elsewhere, so that it is listed and erased like the others."""
    uri = f"{jobs_root}{plan.job_id}/"
    if plan.job_folder != uri:
        document = {"job_folder": plan.job_folder, "collection_id": plan.collection_id}
        objects.write(_redirection_uri(uri), json.dumps(document).encode())


def _entry(objects: ObjectStore, uri: str) -> Entry:
    try:
        document = json.loads(objects.read(_redirection_uri(uri)))
        return Entry(uri, str(document["job_folder"]), str(document["collection_id"]))
    except ObjectNotFoundError:
        return Entry(uri, uri)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{_redirection_uri(uri)} is damaged") from error


def _redirection_uri(uri: str) -> str:
    return f"{uri}elsewhere.json"
