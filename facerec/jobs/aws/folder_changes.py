"""Starts a job when objects of a watched folder were created or deleted.

S3 sends an event for each object, at least once and in any order
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html), and a queue collects them.
An event only shows that the folder has changed. The changes themselves are found as usual, by
listing the folder and comparing it with the remembered photos. So a duplicate or late event costs
at most a listing, and a large upload starts one job at a time.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facerec.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from facerec.jobs.aws.executions import Executions
    from facerec.storage.objects.protocol import ObjectStore

MAX_RUNNING = 100
"""Maximum number of running executions to search for that of the folder."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A prefix in S3 that is indexed when it changes.

    Attributes:
        uri: the prefix, with its final ``/``.
        collection_id: the collection for its photos.
        prune: whether to remove the faces of photos that are gone.
    """

    uri: str
    collection_id: str
    prune: bool

    def document(self) -> dict[str, Any]:
        """Return the execution input that indexes the folder."""
        return {
            "collection_id": self.collection_id,
            "create_collection": True,
            "manifest": self.uri,
            "prune": self.prune,
        }


class FolderChanges:
    """Records changes of a watched folder, in two objects.

    One contains the name of the newest change, the other that of the change after which a job was
    last started. Names are random, so no clock matters, and neither object is ever deleted.
    """

    def __init__(self, objects: ObjectStore, root: str) -> None:
        """Keep the notes below a folder, given with its final ``/``."""
        self._objects = objects
        self._newest, self._started = f"{root}newest.json", f"{root}started.json"

    def note(self) -> None:
        """Record that the folder has changed."""
        self._write(self._newest, secrets.token_hex(8))

    def start_job(self, folder: WatchedFolder, executions: Executions) -> str | None:
        """Start a job if the folder has changed since the last one, unless such a job is running.

        A change during a running job is indexed by the next one, since the listing may be complete
        already.

        Returns:
            The name of the execution; None if none was started.
        """
        newest = self._read(self._newest)
        if newest is None or newest == self._read(self._started):
            return None
        document = folder.document()
        for running in executions.list(MAX_RUNNING, status="RUNNING"):
            if _is_of(executions.describe(running.arn).document, document):
                return None
        started = executions.start(document)
        self._write(self._started, newest)
        return started.name

    def _read(self, uri: str) -> str | None:
        try:
            return str(json.loads(self._objects.read(uri))["change"])
        except ObjectNotFoundError:
            return None

    def _write(self, uri: str, change: str) -> None:
        self._objects.write(uri, json.dumps({"change": change}).encode())


def _is_of(document: Mapping[str, Any], folder: Mapping[str, Any]) -> bool:
    return all(document.get(name) == folder[name] for name in ("collection_id", "manifest"))
