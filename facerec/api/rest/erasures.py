"""The REST routes for erasures and their receipts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.collections import ErasureRequest
from facerec.api.rest.requests.parameters import CollectionPath, ErasurePath
from facerec.api.rest.uploads import JsonRoute
from facerec.core.erasures import ErasureStatus, Receipt
from facerec.core.limits import DEFAULT_RECEIPTS, MAX_RECEIPTS

ERASED: dict[str, Any] = {
    "description": "Done. `Location` is the path of the receipt of what was removed."
}
"""The response 204 of routes that erase, for the API's description."""


def receipt_location(request: Request, receipt: Receipt) -> str:
    """Return the path of a receipt, for the header ``Location``."""
    names = {"collection_id": receipt.collection_id, "erasure_id": receipt.erasure_id}
    return str(request.url_for("erasure", **names).path)


def erasures_router(context: Context) -> APIRouter:
    """Return the routes that erase and return receipts."""
    router = APIRouter(
        prefix=f"{COLLECTION}/erasures",
        tags=["erasures"],
        route_class=JsonRoute,
    )
    gallery = context.gallery

    @router.post(
        "",
        summary="Erase everything known about a face, a photo, an external image id or a person",
        responses={
            **problems(404, 415),
            200: response_doc("Everything is erased: the receipt.", "receipt"),
            202: response_doc(
                "The folders of jobs are still being erased: the receipt.", "receipt"
            ),
        },
    )
    async def erase(
        request: Request, collection_id: CollectionPath, body: ErasureRequest
    ) -> JSONResponse:
        subject, name = body.subject()
        receipt = await context.run(
            request,
            lambda: gallery.erase(collection_id, subject, name),
            collection_id=collection_id,
            writes=True,
        )
        status = 200 if receipt.status is ErasureStatus.DONE else 202
        location = receipt_location(request, receipt)
        return JSONResponse(receipt.to_json(), status, {"Location": location})

    @router.get(
        "",
        summary="List the newest receipts of a collection, even if it was deleted",
        responses={**problems(), 200: response_doc("The receipts, newest first.", "receipt-list")},
    )
    async def list_erasures(
        request: Request,
        collection_id: CollectionPath,
        limit: Annotated[int, Query(ge=1, le=MAX_RECEIPTS)] = DEFAULT_RECEIPTS,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_erasures(collection_id, limit=limit),
            lambda receipts: {"erasures": [receipt.to_json() for receipt in receipts]},
            collection_id=collection_id,
        )

    @router.get(
        "/{erasure_id}",
        name="erasure",
        summary="Return the receipt of an erasure, which may not be finished",
        responses={**problems(404), 200: response_doc("The receipt.", "receipt")},
    )
    async def get_erasure(
        request: Request, collection_id: CollectionPath, erasure_id: ErasurePath
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.get_erasure(collection_id, erasure_id),
            Receipt.to_json,
            collection_id=collection_id,
        )

    return router
