"""Reads the jobs of this machine from their folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.absolute_paths import absolute_path
from facerec.errors import (
    InvalidInputError,
    JobFolderError,
    JobNotFoundError,
    ObjectNotFoundError,
)
from facerec.jobs.folders import (
    DAMAGED_NOTE,
    Entry,
    JobFolder,
    UnreadableFolder,
    entries_at,
    find_entry,
    list_folders,
    read_entry,
    read_folder,
)
from facerec.jobs.local.run_record import RunRecord, read_record
from facerec.jobs.run_lock import is_locked
from facerec.jobs.run_summary import run_from_json
from facerec.jobs.service import LATEST, NO_JOBS, Job
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE, JobStatus, ended_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.jobs.ledger.report import Report
    from facerec.storage.objects.protocol import ObjectStore


class JobReader:
    """The jobs of this machine, as their folders show them."""

    def __init__(self, objects: ObjectStore, jobs_root: str, *, local_paths: bool) -> None:
        """Create the reader.

        Args:
            objects: Contains the job folders.
            jobs_root: Parent of all job folders, with the final ``/``.
            local_paths: Whether callers may name jobs by the paths of their folders.
        """
        self._objects, self._jobs_root, self._local_paths = objects, jobs_root, local_paths

    def get(self, job_id: str, *, readable: bool = True) -> Job:
        """Return a job; see ``JobService.get``. With ``local_paths``, also accepts its folder.

        Raises:
            JobNotFoundError: There is no such job.
            JobFolderError: Its folder cannot be read, and ``readable`` is true.
        """
        if not job_id:
            # As a path, it would be the working folder.
            raise JobNotFoundError(job_id)
        if job_id == LATEST:
            newest = self.newest(1)
            if not newest:
                raise JobNotFoundError(job_id, NO_JOBS)
            if newest[0].plan is not None:
                return newest[0]
            job_id = newest[0].id
        try:
            entry = self.find(job_id)
        except JobFolderError:
            if readable or not self._has_damaged_note(job_id):
                raise
            return _unreadable(
                UnreadableFolder(job_id, DAMAGED_NOTE), f"{self._jobs_root}{job_id}/"
            )
        try:
            if entry is not None:
                return self._of_entry(entry, readable=readable)
            if self._local_paths:
                return self._at(f"{absolute_path(Path(job_id))}/", readable=readable)
        except ObjectNotFoundError:
            pass
        raise JobNotFoundError(job_id)

    def newest(self, limit: int) -> Sequence[Job]:
        """Return the newest jobs, newest first, including those whose folders cannot be read."""
        found: dict[str, Job] = {}
        for folder in list_folders(self._objects, self._jobs_root):
            if isinstance(folder, UnreadableFolder):
                found.setdefault(folder.job_id, _unreadable(folder))
            elif (known := found.get(folder.plan.job_id)) is None or known.plan is None:
                # If a job has two folders, its id leads to this one.
                found[folder.plan.job_id] = self.job_of(folder)
        return sorted(found.values(), key=lambda job: job.started_at, reverse=True)[:limit]

    def find(self, job_id: str) -> Entry | None:
        """Return the entry of a job in the root; None if the root does not contain one.

        Raises:
            JobFolderError: See ``find_entry``.
        """
        if "/" in job_id or job_id in (".", ".."):
            return None
        return find_entry(self._objects, self._jobs_root, job_id)

    def _has_damaged_note(self, job_id: str) -> bool:
        try:
            entries_at(self._objects, f"{self._jobs_root}{job_id}/")
        except JobFolderError:
            return True
        return False

    def _of_entry(self, entry: Entry, *, readable: bool) -> Job:
        try:
            return self.job_of(read_folder(self._objects, entry.job_folder))
        except JobFolderError:
            unreadable = read_entry(self._objects, entry)
            if readable or not isinstance(unreadable, UnreadableFolder):
                raise
        job = replace(_unreadable(unreadable, entry.job_folder), id=entry.job_id)
        return replace(job, status=JobStatus.RUNNING) if is_locked(entry.job_folder) else job

    def _at(self, job_folder: str, *, readable: bool) -> Job:
        """Return the job of a folder; the id of a job outside the root is its path."""
        job = self._of_entry(Entry(job_folder, job_folder), readable=readable)
        try:
            entry = self.find(job.id)
        except InvalidInputError:
            # The folder that the root's note names is missing: it was moved here.
            entry = None
        if entry is None or entry.job_folder != job_folder:
            job = replace(job, id=job_folder)
        return job

    def job_of(self, folder: JobFolder) -> Job:
        """Return the job of a folder, as its plan, the record of its run and its report show it."""
        plan, report = folder.plan, folder.report
        record, is_running = _read_run(plan.job_folder)
        started = plan.created_at if record is None else record.submitted_at
        if record is not None and record.ended_at is not None and _is_earlier(report, started):
            # The run may have written its report, and then ended, after the folder was read.
            report = read_folder(self._objects, plan.job_folder).report
        if _is_earlier(report, started):
            report = None
        status = _status(record, report, is_running=is_running)
        if not status.ended:
            report = None
        return Job(
            id=plan.job_id,
            status=status,
            started_at=started,
            ended_at=_ended_at(record, report),
            collection_id=plan.collection_id,
            photos=None if report is None else report.tally.photos,
            faces=None if report is None else report.tally.faces,
            cause=None if record is None else record.cause,
            plan=plan,
            report=report,
            run=None if record is None else run_from_json(record.run),
            tolerated_failure_percentage=(
                TOLERATED_FAILURE_PERCENTAGE
                if record is None
                else record.tolerated_failure_percentage
            ),
        )


def _is_earlier(report: Report | None, started: float) -> bool:
    """Return whether a report is from before a run that was submitted at the given time."""
    return report is None or report.written_at < started


def _unreadable(folder: UnreadableFolder, address: str | None = None) -> Job:
    return Job(
        id=folder.job_id,
        status=JobStatus.UNREADABLE,
        started_at=folder.created_at,
        collection_id=folder.collection_id,
        cause=folder.cause,
        unreadable_folder=address,
    )


def _read_run(job_folder: str) -> tuple[RunRecord | None, bool]:
    """Return the record of the last run of a job, and whether the run has not ended.

    A run locks the folder before it writes its first record, and until it has written its last one.
    So a run whose record is read while the folder is locked before or after that was not killed.
    """
    was_locked = is_locked(job_folder)
    record = read_record(job_folder)
    if record is None or record.ended_at is not None:
        return record, False
    if was_locked or is_locked(job_folder):
        return record, True
    # It may have started and ended since the first look.
    record = read_record(job_folder)
    return record, False


def _status(record: RunRecord | None, report: Report | None, *, is_running: bool) -> JobStatus:
    if record is not None and is_running:
        return JobStatus.PENDING if record.started_at is None else JobStatus.RUNNING
    return ended_status(
        None if report is None else report.status,
        cancelled=record is not None and record.cancelled,
    )


def _ended_at(record: RunRecord | None, report: Report | None) -> float | None:
    if record is not None:
        return record.ended_at
    return None if report is None else report.written_at
