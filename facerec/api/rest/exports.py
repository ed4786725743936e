"""The REST route that exports all data about somebody."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.local_paths import without_local_paths
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.collections import ExportRequest
from facerec.api.rest.requests.parameters import CollectionPath
from facerec.api.rest.uploads import JsonRoute

_UNREADABLE = (
    "job folders or files in them cannot be read; an export on the command line names them"
)
"""Replaces the reasons in an export that is incomplete."""


def exports_router(context: Context) -> APIRouter:
    """Return the route that exports.

    The route is not a ``GET``: paths are written to logs, and logs must not contain names. It
    requires permission to change the collection, because a client that may only search must not
    read embeddings.
    """
    router = APIRouter(prefix=COLLECTIONS, tags=["exports"], route_class=JsonRoute)
    gallery = context.gallery

    @router.post(
        "/{collection_id}/exports",
        summary="Export all data about a face, a photo, an external image id or a person",
        responses={
            **problems(404, 415),
            200: response_doc("What is held; `thumbnail` is always null.", "export"),
        },
    )
    async def export(
        request: Request, collection_id: CollectionPath, body: ExportRequest
    ) -> JSONResponse:
        subject, name = body.subject()
        exported = await context.run(
            request,
            lambda: gallery.export(collection_id, subject, name, thumbnails=False),
            collection_id=collection_id,
            writes=True,
        )
        document = without_local_paths(exported.to_json())
        if exported.unreadable:
            # The errors contain paths of this machine.
            document["unreadable"] = [_UNREADABLE]
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    return router
