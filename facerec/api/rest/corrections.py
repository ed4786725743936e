"""The REST routes for corrections: which faces do not show which people."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import DONE, Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import (
    CollectionPath,
    FacePath,
    Limit,
    NextToken,
    PersonPath,
)
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_PAGE
from facerec.gallery.presenting.faces import correction_page_json


def corrections_router(context: Context) -> APIRouter:
    """Return the routes that list, state and lift corrections."""
    router = APIRouter(prefix=COLLECTIONS, tags=["corrections"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "/{collection_id}/corrections",
        summary="List which faces do not show which people",
        responses={**problems(404), 200: response_doc("A page of corrections.", "correction-list")},
    )
    async def list_corrections(
        request: Request,
        collection_id: CollectionPath,
        limit: Limit = DEFAULT_PAGE,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_corrections(collection_id, next_token=next_token, limit=limit),
            correction_page_json,
            collection_id=collection_id,
        )

    @router.put(
        "/{collection_id}/faces/{face_id}/not-same/{person}",
        status_code=204,
        summary="State that a face does not show a person; later searches respect this",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 204: DONE},
    )
    async def not_same(
        request: Request, collection_id: CollectionPath, face_id: FacePath, person: PersonPath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.not_same(collection_id, face_id, person),
            collection_id=collection_id,
        )

    @router.delete(
        "/{collection_id}/faces/{face_id}/not-same/{person}",
        status_code=204,
        summary="Remove the statement that a face does not show a person, if there is one",
        dependencies=REASON,
        responses={**problems(404, 415), 204: DONE},
    )
    async def lift_correction(
        request: Request, collection_id: CollectionPath, face_id: FacePath, person: PersonPath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.lift_correction(collection_id, face_id, person),
            collection_id=collection_id,
        )

    return router
