"""The REST routes for stored faces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.erasures import ERASED, receipt_location
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.fields import UserId
from facerec.api.rest.requests.parameters import (
    CollectionPath,
    Disassociate,
    FacePath,
    Limit,
    NextToken,
    TargetFmr,
    Threshold,
)
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_PAGE, MAX_MATCHES
from facerec.errors import FaceInUseError
from facerec.gallery.defaults import DEFAULT_LIMIT
from facerec.gallery.presenting.faces import face_page_json
from facerec.gallery.presenting.search import face_search_json

JPEG, BYTES = "image/jpeg", "application/octet-stream"
"""Media types of thumbnails. Some generators of clients can only read the second one as a file."""


def faces_router(context: Context) -> APIRouter:
    """Return the routes that list, search, show and delete stored faces."""
    router = APIRouter(prefix=COLLECTIONS, tags=["faces"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "/{collection_id}/faces",
        summary="List the faces of a collection",
        responses={**problems(404), 200: response_doc("A page of faces.", "face-list")},
    )
    async def list_faces(
        request: Request,
        collection_id: CollectionPath,
        limit: Limit = DEFAULT_PAGE,
        next_token: NextToken = None,
        user_id: Annotated[
            UserId | None, Query(description="List only the faces of this person.")
        ] = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_faces(
                collection_id, next_token=next_token, limit=limit, user_id=user_id
            ),
            face_page_json,
            collection_id=collection_id,
        )

    @router.delete(
        "/{collection_id}/faces/{face_id}",
        status_code=204,
        summary="Delete a face for good",
        responses={**problems(404, 409, 415), 204: ERASED},
    )
    async def delete_face(
        request: Request,
        collection_id: CollectionPath,
        face_id: FacePath,
        disassociate: Disassociate = False,
    ) -> Response:
        deletion = await context.run(
            request,
            lambda: gallery.delete_faces(collection_id, [face_id], disassociate=disassociate),
            collection_id=collection_id,
            writes=True,
        )
        for failure in deletion.failed:
            error = failure.to_error()
            if isinstance(error, FaceInUseError):
                error.hint = "disassociate it first, or send ?disassociate=true"
            raise error
        receipt = deletion.receipt
        location = {} if receipt is None else {"Location": receipt_location(request, receipt)}
        return Response(status_code=204, headers=location)

    @router.get(
        "/{collection_id}/faces/{face_id}/matches",
        summary="Search a collection for faces that resemble one of its own",
        responses={
            **problems(404, 409),
            200: response_doc("The faces found.", "face-match-result"),
        },
    )
    async def match_face(
        request: Request,
        collection_id: CollectionPath,
        face_id: FacePath,
        limit: Annotated[int, Query(ge=1, le=MAX_MATCHES)] = DEFAULT_LIMIT,
        threshold: Threshold = None,
        target_fmr: TargetFmr = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.search_face(
                collection_id, face_id, threshold=threshold, target_fmr=target_fmr, limit=limit
            ),
            face_search_json,
            collection_id=collection_id,
        )

    @router.get(
        "/{collection_id}/faces/{face_id}/thumbnail",
        summary="Show a face, if a thumbnail is kept or its photo can still be read",
        response_class=Response,  # without it, the document would list JSON too
        responses={
            **problems(404),
            200: {
                "description": "The face with a margin.",
                "content": {
                    kind: {"schema": {"type": "string", "format": "binary"}}
                    for kind in (JPEG, BYTES)
                },
            },
        },
    )
    async def get_thumbnail(
        request: Request, collection_id: CollectionPath, face_id: FacePath
    ) -> Response:
        content = await context.run(
            request,
            lambda: gallery.thumbnail(collection_id, face_id),
            collection_id=collection_id,
            cpu_bound=True,
        )
        headers = {"Cache-Control": "no-store"}  # no cache keeps a deleted face
        only_bytes = request.headers.get("accept", "").strip() == BYTES
        return Response(content, media_type=BYTES if only_bytes else JPEG, headers=headers)

    return router
