"""The REST routes for registered people."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import answer
from facerec.api.rest.paths import COLLECTION
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import CollectionPath, UserPath
from facerec.api.rest.requests.people import RegisterPersonRequest
from facerec.api.rest.uploads import JsonRoute
from facerec.gallery.presenting.people import person_json


def registrations_router(context: Context) -> APIRouter:
    """Return the routes that register people to be matched against new photos."""
    router = APIRouter(prefix=COLLECTION, tags=["people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.put(
        "/people/{user_id}/registration",
        summary="Register a person, who agreed to be matched against new photos",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 200: answer("The registered person.", "person")},
    )
    async def register_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        body: RegisterPersonRequest,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.register_user(
                collection_id, user_id, consent=body.consent, expires=body.expires
            ),
            person_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.delete(
        "/people/{user_id}/registration",
        summary="Remove the registration of a person",
        dependencies=REASON,
        responses={
            **problems(404, 409),
            200: answer("The person without a registration.", "person"),
        },
    )
    async def unregister_person(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.unregister_user(collection_id, user_id),
            person_json,
            collection_id=collection_id,
            writes=True,
        )

    return router
