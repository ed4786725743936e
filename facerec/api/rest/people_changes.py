"""The REST routes that rename, enrol, merge and split people."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import CollectionPath, UserPath
from facerec.api.rest.requests.people import (
    EnrolRequest,
    MergePeopleRequest,
    RenamePersonRequest,
    SplitPersonRequest,
)
from facerec.api.rest.uploads import JsonRoute
from facerec.core.records import User
from facerec.gallery.presenting.enrolment import enrolment_json
from facerec.gallery.presenting.people import described_person_json, person_json


def people_changes_router(context: Context) -> APIRouter:
    """Return the routes that rename, enrol, merge and split people."""
    router = APIRouter(prefix=COLLECTION, tags=["people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.put(
        "/people/{user_id}/name",
        summary="Set the name of a person",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 200: response_doc("The renamed person.", "person")},
    )
    async def rename_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        body: RenamePersonRequest,
    ) -> JSONResponse:
        return await change_person(
            context,
            request,
            collection_id,
            lambda: gallery.rename_user(collection_id, user_id, body.name),
        )

    @router.delete(
        "/people/{user_id}/name",
        summary="Remove the name of a person",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc("The person without a name.", "person"),
        },
    )
    async def remove_name(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> JSONResponse:
        return await change_person(
            context,
            request,
            collection_id,
            lambda: gallery.rename_user(collection_id, user_id, None),
        )

    @router.post(
        "/enrolments",
        summary="Create people from the names of photos, one face of each photo",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc("Who was created, and which photos got no name.", "enrolment"),
        },
    )
    async def enrol_people(
        request: Request, collection_id: CollectionPath, body: EnrolRequest
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.enrol_people(collection_id, body.name_of()),
            enrolment_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.post(
        "/people/{user_id}/merge",
        summary="Merge another person into a person, and delete the other one",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc("The person with all faces.", "person"),
        },
    )
    async def merge_people(
        request: Request, collection_id: CollectionPath, user_id: UserPath, body: MergePeopleRequest
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.merge_users(collection_id, user_id, body.other_id),
            described_person_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.post(
        "/people/{user_id}/split",
        summary="Move some faces of a person to a new one",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 200: response_doc("The new person.", "person")},
    )
    async def split_person(
        request: Request, collection_id: CollectionPath, user_id: UserPath, body: SplitPersonRequest
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.split_user(
                collection_id, user_id, body.face_ids, body.user_id, name=body.name
            ),
            described_person_json,
            collection_id=collection_id,
            writes=True,
        )

    return router


async def change_person(
    context: Context, request: Request, collection_id: str, change: Callable[[], User]
) -> JSONResponse:
    """Call an operation that changes a person, and answer with the person."""
    return await context.respond(
        request, change, person_json, collection_id=collection_id, writes=True
    )
