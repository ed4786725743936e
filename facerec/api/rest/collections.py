"""The routes about collections and their faces."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import Context, authorise
from facerec.api.rest.contracts import answer
from facerec.api.rest.problems import problems
from facerec.api.rest.requests import (
    CollectionPath,
    CreateCollectionRequest,
    FacePath,
    Limit,
    NextToken,
)
from facerec.errors import ConflictError, FaceNotFoundError
from facerec.gallery.presenting import collection_json, record_json
from facerec.gallery.service import collections, faces
from facerec.gallery.service.faces import ListedFace
from facerec.gallery.service.thumbnails import thumbnail

_NO_CONTENT: dict[str, Any] = {"description": "Done."}


def collections_router(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1/collections", tags=["collections"])
    parts = context.parts

    @router.get(
        "",
        summary="List collections",
        responses={**problems(), 200: answer("A page of collections.", "collection-list")},
    )
    async def list_collections(
        request: Request, limit: Limit = 100, next_token: NextToken = None
    ) -> JSONResponse:
        principal = authorise(request, None, writes=False)
        page = await context.run(
            request, lambda: collections.list_collections(parts, next_token, limit)
        )
        shown = [
            collection_json(found)
            for found in page.collections
            if principal.may_use(found.collection_id)
        ]
        return JSONResponse({"collections": shown, "next_token": page.next_token})

    @router.post(
        "",
        status_code=201,
        summary="Create a collection",
        responses={**problems(409), 201: answer("The new collection.", "collection")},
    )
    async def create_collection(request: Request, wanted: CreateCollectionRequest) -> JSONResponse:
        name = wanted.collection_id
        made = await context.run(
            request,
            lambda: collections.create_collection(parts, name),
            collection_id=name,
            writes=True,
        )
        location = str(request.url_for("collection", collection_id=name).path)
        return JSONResponse(collection_json(made), 201, {"Location": location})

    @router.get(
        "/{collection_id}",
        name="collection",
        summary="Describe a collection",
        responses={**problems(404), 200: answer("The collection.", "collection")},
    )
    async def describe_collection(request: Request, collection_id: CollectionPath) -> JSONResponse:
        found = await context.run(
            request,
            lambda: collections.describe_collection(parts, collection_id),
            collection_id=collection_id,
        )
        counts = {"face_count": found.faces, "user_count": found.users}
        return JSONResponse({**collection_json(found.collection), **counts})

    @router.delete(
        "/{collection_id}",
        status_code=204,
        summary="Delete a collection with all its faces, for good",
        responses={**problems(404), 204: _NO_CONTENT},
    )
    async def delete_collection(request: Request, collection_id: CollectionPath) -> Response:
        await context.run(
            request,
            lambda: collections.delete_collection(parts, collection_id),
            collection_id=collection_id,
            writes=True,
        )
        return Response(status_code=204)

    @router.get(
        "/{collection_id}/faces",
        summary="List the faces of a collection",
        responses={**problems(404), 200: answer("A page of faces.", "face-list")},
    )
    async def list_faces(
        request: Request,
        collection_id: CollectionPath,
        limit: Limit = 100,
        next_token: NextToken = None,
    ) -> JSONResponse:
        page = await context.run(
            request,
            lambda: faces.list_faces(parts, collection_id, next_token, limit),
            collection_id=collection_id,
        )
        return JSONResponse(
            {
                "collection_id": collection_id,
                "model_version": page.model_version,
                "faces": [_listed_json(face) for face in page.faces],
                "next_token": page.next_token,
            }
        )

    @router.delete(
        "/{collection_id}/faces/{face_id}",
        status_code=204,
        summary="Delete a face for good",
        responses={**problems(404, 409), 204: _NO_CONTENT},
    )
    async def delete_face(
        request: Request, collection_id: CollectionPath, face_id: FacePath
    ) -> Response:
        outcome = await context.run(
            request,
            lambda: faces.delete_faces(parts, collection_id, [face_id]),
            collection_id=collection_id,
            writes=True,
        )
        for undeleted in outcome.undeleted:
            if undeleted.user_id is None:
                raise FaceNotFoundError(face_id)
            raise ConflictError(
                f"the face is associated with user {undeleted.user_id!r}",
                "disassociate it first, or delete the user",
            )
        return Response(status_code=204)

    @router.get(
        "/{collection_id}/faces/{face_id}/thumbnail",
        summary="Show a face, where the photo that it was found on can still be read",
        responses={
            **problems(404),
            200: {
                "description": "The face with a margin.",
                "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def show_face(
        request: Request, collection_id: CollectionPath, face_id: FacePath
    ) -> Response:
        content = await context.run(
            request,
            lambda: thumbnail(parts, collection_id, face_id),
            collection_id=collection_id,
            looks=True,
        )
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(content, media_type="image/jpeg", headers=headers)

    return router


def _listed_json(face: ListedFace) -> dict[str, Any]:
    user = {} if face.user_id is None else {"user_id": face.user_id}
    return {**record_json(face.record), **user}
