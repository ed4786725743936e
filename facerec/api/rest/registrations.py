"""The REST routes for registered people, and for the events of their matches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import DONE, Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION
from facerec.api.rest.people_changes import change_person
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import CollectionPath, NextToken, UserPath
from facerec.api.rest.requests.people import RegisterPersonRequest
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_EVENTS, MAX_EVENTS
from facerec.gallery.presenting.people import event_page_json


def registrations_router(context: Context) -> APIRouter:
    """Return the routes that register people, and that list and retry events of their matches."""
    router = APIRouter(prefix=COLLECTION, tags=["people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.put(
        "/people/{user_id}/registration",
        summary="Register a person who agreed to be matched against new photos",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc("The registered person.", "person"),
        },
    )
    async def register_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        body: RegisterPersonRequest,
    ) -> JSONResponse:
        return await change_person(
            context,
            request,
            collection_id,
            lambda: gallery.register_user(
                collection_id, user_id, consent=body.consent, expires=body.expires
            ),
        )

    @router.delete(
        "/people/{user_id}/registration",
        summary="Remove the registration of a person",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc("The person without a registration.", "person"),
        },
    )
    async def unregister_person(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> JSONResponse:
        return await change_person(
            context, request, collection_id, lambda: gallery.unregister_user(collection_id, user_id)
        )

    @router.get(
        "/events",
        summary="List matches of new photos with registered people, newest first",
        responses={**problems(404), 200: response_doc("A page of events.", "match-event-list")},
    )
    async def list_events(
        request: Request,
        collection_id: CollectionPath,
        undelivered: Annotated[
            bool, Query(description="List only events that were not delivered.")
        ] = False,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = DEFAULT_EVENTS,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_events(
                collection_id, undelivered=undelivered, next_token=next_token, limit=limit
            ),
            event_page_json,
            collection_id=collection_id,
        )

    @router.post(
        "/events/retry",
        status_code=204,
        summary="Retry the events that were not accepted",
        responses={**problems(404, 415), 204: DONE},
    )
    async def retry_events(request: Request, collection_id: CollectionPath) -> Response:
        return await context.change(
            request, lambda: gallery.retry_events(collection_id), collection_id=collection_id
        )

    return router
