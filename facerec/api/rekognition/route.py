"""The route of Rekognition's protocol, which serves all its operations."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from facerec.api.auth.access import Principal
from facerec.api.capacity import CLIENT_GONE, Capacity, ClientGoneError
from facerec.api.logging import log_error
from facerec.api.rekognition.arns import signed_region
from facerec.api.rekognition.service import (
    answer,
    error_response,
    find_operation,
    response_headers,
)
from facerec.gallery.gallery import Gallery


def rekognition_router(
    gallery: Gallery, capacity: Capacity, *, placeholders: bool = False
) -> APIRouter:
    """Return the route that Rekognition's clients post to.

    Args:
        gallery: The operations.
        capacity: Limits the number of requests that are processed concurrently.
        placeholders: Whether to return placeholders for unknown attributes of faces.
    """
    router = APIRouter()

    @router.post("/", include_in_schema=False)
    async def rekognition(request: Request) -> Response:
        try:
            name, operation = find_operation(request.headers.get("x-amz-target", ""))
            principal: Principal = request.state.principal
            body = await request.body()
            region = signed_region(request.headers.get("authorization", ""))
            work = partial(
                answer, gallery, principal, name, body, region=region, placeholders=placeholders
            )
            content = await capacity.run(request, work, cpu_bound=operation.cpu_bound)
        except ClientGoneError:
            return Response(status_code=CLIENT_GONE)
        except Exception as error:
            log_error(error)
            status, headers, content = error_response(error)
            return Response(content, status, headers)
        return Response(content, headers=response_headers())

    return router
