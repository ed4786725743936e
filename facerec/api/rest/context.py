"""The context of the REST routes: the gallery, and authorisation and capacity of each request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from facerec.api.access_log import note_access
from facerec.api.auth.access import Principal, RefusedError
from facerec.api.capacity import Capacity
from facerec.api.rest.local_paths import without_local_paths
from facerec.gallery.gallery import Gallery
from facerec.jobs.aws.clustering_jobs import ClusteringJobs
from facerec.jobs.service import JobService

Result = TypeVar("Result")

DONE: dict[str, Any] = {"description": "Done."}
"""OpenAPI description of the 204 response of ``Context.change``."""


@dataclass(frozen=True, slots=True)
class Context:
    """The collaborators of the routes.

    Attributes:
        gallery: The operations.
        capacity: Limits the number of requests that are processed concurrently.
        jobs: Runs jobs; None if jobs are not available.
        clusterings: Clusters faces in jobs; None to cluster them during the request.
    """

    gallery: Gallery
    capacity: Capacity
    jobs: JobService | None
    clusterings: ClusteringJobs | None = None

    async def run(
        self,
        request: Request,
        work: Callable[[], Result],
        *,
        collection_id: str | None = None,
        writes: bool = False,
        cpu_bound: bool = False,
    ) -> Result:
        """Authorise a request, call an operation for it in a thread and return the result.

        Args:
            request: The request.
            work: Calls the operation.
            collection_id: The collection that the operation concerns, or None.
            writes: Whether the operation changes anything.
            cpu_bound: Whether the operation occupies a processor, as finding faces in photos does.

        Raises:
            RefusedError: Permission denied.
            BusyError: Too many requests are queued.
            ClientGoneError: The client left while the request waited.
            FacerecError: The operation fails.
        """
        principal = authorise(request, collection_id, writes=writes)
        why = getattr(request.state, "why", None)

        def work_for_sender() -> Result:
            with self.gallery.requested_by(principal.name or None, why=why):
                return work()

        return await self.capacity.run(
            request, work_for_sender if writes else work, cpu_bound=cpu_bound
        )

    async def respond(
        self,
        request: Request,
        work: Callable[[], Result],
        to_json: Callable[[Result], Any],
        *,
        collection_id: str | None = None,
        writes: bool = False,
        cpu_bound: bool = False,
    ) -> JSONResponse:
        """Call an operation as ``run`` does, and answer 200 with its result.

        Paths of the server are removed from the JSON of the result.

        Args:
            request: The request.
            work: Calls the operation.
            to_json: Returns the result as JSON.
            collection_id: As for ``run``.
            writes: As for ``run``.
            cpu_bound: As for ``run``.
        """
        result = await self.run(
            request, work, collection_id=collection_id, writes=writes, cpu_bound=cpu_bound
        )
        return JSONResponse(without_local_paths(to_json(result)))

    async def change(
        self, request: Request, work: Callable[[], object], *, collection_id: str
    ) -> Response:
        """Call an operation that changes a collection as ``run`` does, and answer 204."""
        await self.run(request, work, collection_id=collection_id, writes=True)
        return Response(status_code=204)


def authorise(request: Request, collection_id: str | None, *, writes: bool) -> Principal:
    """Return the sender of a request, after checking the sender's permissions.

    Raises:
        RefusedError: Permission denied.
    """
    principal: Principal = request.state.principal
    note_access(f"{request.method} {request.scope['route'].path}", collection_id)
    if (writes and not principal.may_change(collection_id)) or (
        collection_id is not None and not principal.may_use(collection_id)
    ):
        raise RefusedError("AccessDeniedException", "Permission denied.", 403)
    return principal
