"""The REST routes for the retention of collections."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.collections import RetentionRequest
from facerec.api.rest.requests.parameters import CollectionPath
from facerec.api.rest.uploads import JsonRoute
from facerec.gallery.collection_results import CollectionSummary
from facerec.gallery.presenting.collections import summary_json


def retention_router(context: Context) -> APIRouter:
    """Return the routes that set and remove the retention of collections."""
    router = APIRouter(prefix=COLLECTIONS, tags=["collections"], route_class=JsonRoute)
    gallery = context.gallery

    @router.put(
        "/{collection_id}/retention",
        summary="Set for how many days a collection keeps each face after it was indexed",
        responses={**problems(404, 415), 200: response_doc("The collection.", "collection")},
    )
    async def set_retention(
        request: Request, collection_id: CollectionPath, body: RetentionRequest
    ) -> JSONResponse:
        return await change_retention(request, collection_id, body.days)

    @router.delete(
        "/{collection_id}/retention",
        summary="Keep the faces of a collection for ever",
        responses={**problems(404, 415), 200: response_doc("The collection.", "collection")},
    )
    async def remove_retention(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await change_retention(request, collection_id, None)

    async def change_retention(
        request: Request, collection_id: str, days: int | None
    ) -> JSONResponse:
        def change() -> CollectionSummary:
            gallery.set_retention(collection_id, days)
            return gallery.describe_collection(collection_id)

        return await context.respond(
            request, change, summary_json, collection_id=collection_id, writes=True
        )

    return router
