"""Starts a job when objects of a watched folder were created or deleted.

S3 sends an event for each object, at least once and in any order
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html), and a queue collects them.
An event only shows that the folder has changed. The changes themselves are found as usual, by
listing the folder and comparing it with the remembered photos. So a duplicate or late event costs
at most a listing, and a large upload starts one job at a time.

If a job does not succeed, another one is started for the same changes. The first one is started at
once, and further ones after increasing pauses, so that a lasting problem costs little.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.core.limits import PRUNE_LIMIT_PERCENTAGE
from facerec.errors import JobFolderError, JobNotFoundError
from facerec.jobs.documents import read_if_exists, to_record
from facerec.jobs.status import JobStatus

if TYPE_CHECKING:
    from facerec.jobs.aws.executions import Executions
    from facerec.storage.objects.protocol import ObjectStore

Record = TypeVar("Record")

MAX_RUNNING = 100
"""Maximum number of running executions to search for the job of the folder."""

PAUSE, MAX_PAUSE = 300.0, 86_400.0
"""Seconds before a job that did not succeed is started for the third time, and the maximum
pause."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A prefix in S3 that is indexed when it changes.

    Attributes:
        uri: The prefix, with its final ``/``.
        collection_id: The collection for its photos.
        prune: Whether to remove the faces of photos that are gone.
        prune_limit_percentage: 0 to 100; if a larger share of the photos is gone, their faces are
            kept.
    """

    uri: str
    collection_id: str
    prune: bool
    prune_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE

    def document(self) -> dict[str, Any]:
        """Return the execution input that indexes the folder."""
        return {
            "collection_id": self.collection_id,
            "create_collection": True,
            "manifest": self.uri,
            "prune": self.prune,
            "prune_limit_percentage": self.prune_limit_percentage,
            "prune_over_limit": "skip",
        }


@dataclass(frozen=True, slots=True)
class _Change:
    """The random name of a folder's newest change."""

    change: str


@dataclass(frozen=True, slots=True)
class _Start:
    """The last job of a folder.

    Attributes:
        change: Name of the newest change at its start.
        execution: Name of the job's execution; None once it has succeeded.
        failures: Number of jobs for this change that did not succeed.
    """

    change: str
    execution: str | None = None
    failures: int = 0


class FolderChanges:
    """Records changes of a watched folder, in two objects.

    One contains the name of the newest change. The other contains the name of the change for which
    a job was last started, and that job until it has succeeded. Names are random, so no clock
    matters. Neither object is ever deleted. If an object is damaged, a job is started, and the
    object is written again.
    """

    def __init__(self, objects: ObjectStore, root: str) -> None:
        """Open the record of a folder's changes in the folder ``root``, which ends in ``/``."""
        self._objects = objects
        self._newest, self._started = f"{root}newest.json", f"{root}started.json"

    def note(self) -> _Change:
        """Record that the folder has changed."""
        change = _Change(secrets.token_hex(8))
        self._write(self._newest, asdict(change))
        return change

    def start_job(self, folder: WatchedFolder, executions: Executions, *, now: float) -> str | None:
        """Start a job if the folder has changed since the last one, unless such a job is running.

        A job that did not succeed is started again, from the third time on after a pause
        (``PAUSE``). A change during a running job is indexed by the next job, since the running job
        may have listed the folder already.

        Args:
            folder: The folder.
            executions: The executions of the stack.
            now: The current time, seconds since 1970.

        Returns:
            The name of the execution; None if none was started.

        Raises:
            FacerecError: Step Functions cannot be queried, or refuses the job; or the record of
                changes cannot be read or written.
        """
        try:
            newest = self._read(self._newest, _Change)
        except JobFolderError:
            # Its changes may not have been indexed.
            newest = self.note()
        if newest is None:
            return None
        change, last = newest.change, self._last()
        failures = 0
        if last is not None and last.change == change:
            if last.execution is None or not self._is_due(last, executions, now):
                return None
            failures = last.failures + 1
        document = folder.document()
        for running in executions.list(MAX_RUNNING, status="RUNNING"):
            if _is_of(executions.describe(running.arn).document, document):
                return None
        started = executions.start(document)
        self._write(self._started, asdict(_Start(change, started.name, failures)))
        return started.name

    def _is_due(self, last: _Start, executions: Executions, now: float) -> bool:
        """Return whether the last job did not succeed and must be started again now.

        If it has succeeded, this is recorded.
        """
        assert last.execution is not None  # noqa: S101
        try:
            found = executions.describe(last.execution)
        except JobNotFoundError:
            # Step Functions deletes executions after 90 days.
            return True
        if found.status is JobStatus.SUCCEEDED:
            self._write(self._started, asdict(_Start(last.change)))
            return False
        if found.ended is None:
            return False
        pause = min(MAX_PAUSE, PAUSE * 2 ** (last.failures - 1)) if last.failures else 0.0
        return now >= found.ended + pause

    def _last(self) -> _Start | None:
        try:
            return self._read(self._started, _Start)
        except JobFolderError:
            # If the job was not needed again, it finds that its photos are already indexed.
            return None

    def _read(self, uri: str, kind: type[Record]) -> Record | None:
        """Return a record; None if there is none.

        Raises:
            JobFolderError: The record is damaged.
        """
        return read_if_exists(self._objects, uri, partial(to_record, kind))

    def _write(self, uri: str, note: Mapping[str, Any]) -> None:
        self._objects.write(uri, json.dumps(note).encode())


def _is_of(document: Mapping[str, Any], folder: Mapping[str, Any]) -> bool:
    return all(document.get(name) == folder[name] for name in ("collection_id", "manifest"))
