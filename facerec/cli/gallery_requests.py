"""Sends the requests of commands to the gallery of this machine, or to a stack."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.output import console
from facerec.core.deferred import DeferredModule
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.gallery.requests import answering
else:
    services = DeferredModule("facerec.cli.services")
    answering = DeferredModule("facerec.gallery.requests.answering")

INTERVAL = 10.0
"""Seconds between requests for the status of a clustering."""


def ask_gallery(
    stack: str | None,
    data: Path | None,
    collection: str,
    operation: str,
    *,
    new: bool = False,
    **arguments: object,
) -> dict[str, Any]:
    """Perform an operation on a collection, and return its answer; see ``gallery.requests``.

    Args:
        stack: The stack; None for this machine.
        data: The data folder of this machine; None for the user's data folder.
        collection: The collection; an empty text for the list of all.
        operation: Name of the operation.
        new: Whether the data folder may be created.
        arguments: Arguments of the operation.

    Raises:
        FacerecError: The operation failed, or the stack does not answer.
    """
    request = {"operation": operation, "collection": collection, **arguments}
    if stack is None:
        with factory.open_gallery(data_folder(data, new=new)) as gallery:
            return answering.answer_request(gallery, request)
    from facerec.core.recording import current_caller

    by, why = current_caller()
    function = services.erasure_function(stack)
    return function.call_for_packed({**request, "by": by, "why": why})


def cluster_in_stack(stack: str, collection: str, pair_threshold: float | None) -> None:
    """Cluster the new faces of a collection in a stack, and wait for the end of the clustering.

    Raises:
        FacerecError: The clustering cannot be started, or has failed.
    """
    function = services.erasure_function(stack)
    job = function.call({"start_clustering": collection, "pair_threshold": pair_threshold})
    console(stderr=True).print(f"AWS Batch job {job['job_id']} is clustering the faces")
    # A stack of an earlier release returns no notice.
    if notice := job.get("notice"):
        console(stderr=True).print(f"note: {notice}")
    while (job := function.call({"describe_clustering": collection}))["status"] == "RUNNING":
        time.sleep(INTERVAL)
    if job["status"] != "SUCCEEDED":
        raise FacerecError(
            f"the clustering failed: {job['reason'] or job['status']}",
            f"see the log of the job {job['job_id']} in the log group of the jobs",
        )
