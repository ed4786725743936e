"""The REST routes that correct who is who: names of people."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import answer
from facerec.api.rest.problems import problems
from facerec.api.rest.requests import CollectionPath, RenamePersonRequest, UserPath
from facerec.api.rest.uploads import JsonRoute
from facerec.gallery.presenting_people import person_json


def people_changes_router(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/api/v1/collections/{collection_id}", tags=["people"], route_class=JsonRoute
    )
    gallery = context.gallery

    @router.put(
        "/people/{user_id}/name",
        summary="Set the name of a person",
        responses={**problems(404, 409, 415), 200: answer("The renamed person.", "person")},
    )
    async def rename_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        body: RenamePersonRequest,
    ) -> JSONResponse:
        user = await context.run(
            request,
            lambda: gallery.rename_user(collection_id, user_id, body.name),
            collection_id=collection_id,
            writes=True,
        )
        return JSONResponse(person_json(user))

    @router.delete(
        "/people/{user_id}/name",
        summary="Remove the name of a person",
        responses={**problems(404, 409), 200: answer("The person without a name.", "person")},
    )
    async def remove_name(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> JSONResponse:
        user = await context.run(
            request,
            lambda: gallery.rename_user(collection_id, user_id, None),
            collection_id=collection_id,
            writes=True,
        )
        return JSONResponse(person_json(user))

    return router
