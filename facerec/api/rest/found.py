"""The REST routes that find all photos of somebody."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION, FACE_RECOGNITION
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.parameters import (
    CollectionPath,
    Limit,
    NextToken,
    UserPath,
)
from facerec.api.rest.requests.recognition import DOUBTFUL_BELOW, TARGET_FMR, FindRequest
from facerec.api.rest.uploads import JsonRoute, UploadRoute, upload_bodies
from facerec.core.limits import DEFAULT_PAGE
from facerec.gallery.presenting.found import found_json

_FOUND: dict[int | str, dict[str, Any]] = {
    **problems(404, 409),
    200: response_doc("A page of faces, most similar first.", "find-result"),
}


def found_router(context: Context) -> APIRouter:
    """Return the route that finds all photos of a person."""
    router = APIRouter(prefix=COLLECTION, tags=["people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "/people/{user_id}/photos",
        summary="Find all faces that show a person",
        responses=_FOUND,
    )
    async def find_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        doubtful: Annotated[
            bool, Query(description="Return the doubtful faces instead of the others.")
        ] = False,
        doubtful_below: Annotated[
            float | None, Query(ge=0, le=1, allow_inf_nan=False, description=DOUBTFUL_BELOW)
        ] = None,
        target_fmr: Annotated[
            float | None, Query(gt=0, lt=1, allow_inf_nan=False, description=TARGET_FMR)
        ] = None,
        limit: Limit = DEFAULT_PAGE,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.find(
                collection_id,
                user_id=user_id,
                doubtful=doubtful,
                doubtful_below=doubtful_below,
                target_fmr=target_fmr,
                next_token=next_token,
                limit=limit,
            ),
            found_json,
            collection_id=collection_id,
        )

    return router


def found_photo_router(context: Context) -> APIRouter:
    """Return the route that finds all photos of the person in a photo."""
    router = APIRouter(prefix=FACE_RECOGNITION, tags=["people"], route_class=UploadRoute)
    gallery = context.gallery

    @router.post(
        "/find",
        summary="Find all faces that show the person of a photo",
        openapi_extra=upload_bodies(FindRequest, "image"),
        responses={**_FOUND, **problems(404, 409, 415)},
    )
    async def find(
        request: Request, body: FindRequest, next_token: NextToken = None
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.find(
                body.collection_id,
                body.photo(),
                face_number=body.face_number,
                doubtful=body.doubtful,
                doubtful_below=body.doubtful_below,
                target_fmr=body.target_fmr,
                options=body.options(),
                next_token=next_token,
                limit=DEFAULT_PAGE if body.limit is None else body.limit,
            ),
            found_json,
            collection_id=body.collection_id,
            cpu_bound=True,
        )

    return router
