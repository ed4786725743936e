"""What the REST routes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request

from facerec.api.access_log import note_access
from facerec.api.auth.access import Principal, RefusedError
from facerec.api.capacity import Capacity
from facerec.core.options import FaceOptions
from facerec.gallery.gallery import Gallery
from facerec.jobs.service import JobService

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Context:
    """What the routes call.

    Attributes:
        gallery: The operations.
        capacity: Limits the number of requests that are processed at once.
        jobs: Runs jobs; None where none can be run.
    """

    gallery: Gallery
    capacity: Capacity
    jobs: JobService | None

    async def run(
        self,
        request: Request,
        work: Callable[[], Result],
        *,
        collection_id: str | None = None,
        writes: bool = False,
        looks: bool = False,
    ) -> Result:
        """Return what the work returns, if the sender may have it done.

        Args:
            request: the request.
            work: what to do.
            collection_id: the collection that it is about, or None.
            writes: whether it changes anything.
            looks: whether it looks at photos.

        Raises:
            RefusedError: the sender may not have this done.
        """
        authorise(request, collection_id, writes=writes)
        return await self.capacity.run(request, work, looks=looks)


def authorise(request: Request, collection_id: str | None, *, writes: bool) -> Principal:
    """Return what the sender of a request may do.

    Raises:
        RefusedError: it may not do this.
    """
    principal: Principal = request.state.principal
    note_access(f"{request.method} {request.scope['route'].path}", collection_id)
    if (writes and not principal.may_change(collection_id)) or (
        collection_id is not None and not principal.may_use(collection_id)
    ):
        raise RefusedError("AccessDeniedException", "The sender may not do this.", 403)
    return principal


def options_document(options: FaceOptions) -> dict[str, Any]:
    """Return options as an execution input has them."""
    return {
        "max_faces": options.max_faces,
        "min_confidence": options.min_confidence,
        "quality_filter": options.quality_filter.value,
    }
