"""The REST routes for collections."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import Context, authorise
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.erasures import ERASED, receipt_location
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.collections import CreateCollectionRequest, ThresholdRequest
from facerec.api.rest.requests.parameters import CollectionPath, Limit, NextToken
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_PAGE
from facerec.gallery.presenting.collections import collection_json, summary_json


def collections_router(context: Context) -> APIRouter:
    """Return the routes that create, describe, change and delete collections."""
    router = APIRouter(prefix=COLLECTIONS, tags=["collections"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "",
        summary="List collections",
        responses={**problems(404), 200: response_doc("A page of collections.", "collection-list")},
    )
    async def list_collections(
        request: Request, limit: Limit = DEFAULT_PAGE, next_token: NextToken = None
    ) -> JSONResponse:
        principal = authorise(request, None, writes=False)
        page = await context.run(
            request,
            lambda: gallery.list_collections(
                next_token=next_token, limit=limit, only=principal.collections
            ),
        )
        shown = [collection_json(collection) for collection in page.collections]
        return JSONResponse({"collections": shown, "next_token": page.next_token})

    @router.post(
        "",
        status_code=201,
        summary="Create a collection",
        responses={**problems(409, 415), 201: response_doc("The new collection.", "collection")},
    )
    async def create_collection(request: Request, body: CreateCollectionRequest) -> JSONResponse:
        name = body.collection_id
        created = await context.run(
            request,
            lambda: gallery.create_collection(name, recipe=body.recipe),
            collection_id=name,
            writes=True,
        )
        location = str(request.url_for("collection", collection_id=name).path)
        return JSONResponse(collection_json(created), 201, {"Location": location})

    @router.get(
        "/{collection_id}",
        name="collection",
        summary="Describe a collection",
        responses={**problems(404), 200: response_doc("The collection.", "collection")},
    )
    async def describe_collection(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.describe_collection(collection_id),
            summary_json,
            collection_id=collection_id,
        )

    @router.put(
        "/{collection_id}/threshold",
        summary="Set the default minimum similarity of a match in a collection",
        responses={**problems(404, 415), 200: response_doc("The collection.", "collection")},
    )
    async def set_threshold(
        request: Request, collection_id: CollectionPath, body: ThresholdRequest
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.set_threshold(collection_id, body.threshold),
            collection_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.delete(
        "/{collection_id}/threshold",
        summary="Return to the server's default minimum similarity of a match",
        responses={**problems(404, 415), 200: response_doc("The collection.", "collection")},
    )
    async def remove_threshold(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.set_threshold(collection_id, None),
            collection_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.post(
        "/{collection_id}/stats",
        summary="Store the cohort stats of a page of faces that an earlier release indexed",
        description="Searches are as accurate without them, but slower. Repeat with `next_token` "
        "until it is null; no photo is read, and the collection can be used at the same time.",
        responses={**problems(404, 415), 200: response_doc("What changed.", "stats-refresh")},
    )
    async def refresh_stats(
        request: Request,
        collection_id: CollectionPath,
        limit: Limit = DEFAULT_PAGE,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.refresh_stats(collection_id, next_token=next_token, limit=limit),
            asdict,
            collection_id=collection_id,
            writes=True,
            cpu_bound=True,
        )

    @router.delete(
        "/{collection_id}",
        status_code=204,
        summary="Delete a collection with all its faces, for good",
        responses={**problems(404, 415), 204: ERASED},
    )
    async def delete_collection(request: Request, collection_id: CollectionPath) -> Response:
        receipt = await context.run(
            request,
            lambda: gallery.delete_collection(collection_id),
            collection_id=collection_id,
            writes=True,
        )
        return Response(status_code=204, headers={"Location": receipt_location(request, receipt)})

    return router
