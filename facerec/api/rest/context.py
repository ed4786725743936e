"""What the REST routes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fastapi import Request

from facerec.api.auth.access import Principal, RefusedError
from facerec.api.capacity import Capacity
from facerec.api.jobs import JobStarter
from facerec.api.rest.requests import FaceChoice
from facerec.core.options import FaceOptions, QualityFilter
from facerec.gallery.service.looking import MOST_FACES
from facerec.gallery.service.parts import Parts

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Context:
    """The parts behind the routes.

    Attributes:
        parts: what the operations work with.
        capacity: how many requests are worked on at once.
        jobs: runs jobs; None where none can be run.
    """

    parts: Parts
    capacity: Capacity
    jobs: JobStarter | None

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

    def probe_options(self, choice: FaceChoice) -> FaceOptions:
        """Return the options for a photo that is searched with and not stored."""
        return replace(
            self.parts.options,
            max_faces=MOST_FACES,
            quality_filter=choice.filter_or(QualityFilter.NONE),
            min_confidence=self._confidence(choice),
        )

    def index_options(self, choice: FaceChoice, max_faces: int | None) -> FaceOptions:
        """Return the options for photos whose faces are stored."""
        return replace(
            self.parts.options,
            max_faces=self.parts.options.max_faces if max_faces is None else max_faces,
            quality_filter=choice.filter_or(self.parts.options.quality_filter),
            min_confidence=self._confidence(choice),
        )

    def _confidence(self, choice: FaceChoice) -> float:
        default = self.parts.options.min_confidence
        return default if choice.min_confidence is None else choice.min_confidence


def authorise(request: Request, collection_id: str | None, *, writes: bool) -> Principal:
    """Return what the sender of a request may do.

    Raises:
        RefusedError: it may not do this.
    """
    principal: Principal = request.state.principal
    if (writes and not principal.writes) or (
        collection_id is not None and not principal.may_use(collection_id)
    ):
        raise RefusedError("AccessDeniedException", "The access key may not do this.", 403)
    return principal


def options_document(options: FaceOptions) -> dict[str, Any]:
    """Return options as an execution input has them."""
    return {
        "max_faces": options.max_faces,
        "min_confidence": options.min_confidence,
        "quality_filter": options.quality_filter.value,
    }
