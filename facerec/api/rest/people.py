"""The REST routes for people, which are users in Rekognition."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import DONE, Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION, FACE_RECOGNITION
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import (
    CollectionPath,
    FacePath,
    NextToken,
    Threshold,
    UserPath,
)
from facerec.api.rest.requests.people import AddFacesRequest, CreatePersonRequest
from facerec.api.rest.requests.recognition import MatchPeopleRequest
from facerec.api.rest.uploads import JsonRoute, UploadRoute, upload_bodies
from facerec.core.limits import MAX_USER_MATCHES, MAX_USER_PAGE
from facerec.core.names import MAX_NAME_LENGTH
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD
from facerec.gallery.presenting.people import (
    association_json,
    described_person_json,
    people_match_json,
    person_json,
    person_page_json,
    photo_people_match_json,
)

PeopleLimit = Annotated[
    int, Query(ge=1, le=MAX_USER_MATCHES, description="Return at most this many people.")
]
_MATCHES: dict[int | str, dict[str, Any]] = {
    **problems(404, 409),
    200: response_doc("The people found.", "people-match-result"),
}


def people_router(context: Context) -> APIRouter:
    """Return the routes that create, list, search and delete people, and associate their faces."""
    router = APIRouter(prefix=COLLECTION, tags=["people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "/people",
        summary="List the people of a collection",
        responses={**problems(404), 200: response_doc("A page of people.", "person-list")},
    )
    async def list_people(
        request: Request,
        collection_id: CollectionPath,
        name_contains: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=MAX_NAME_LENGTH,
                description="List only people whose name or id contains this text.",
            ),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_USER_PAGE)] = MAX_USER_PAGE,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_users(
                collection_id, name_contains=name_contains, next_token=next_token, limit=limit
            ),
            person_page_json,
            collection_id=collection_id,
        )

    @router.post(
        "/people",
        status_code=201,
        summary="Create a person without faces",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 201: response_doc("The new person.", "person")},
    )
    async def create_person(
        request: Request, collection_id: CollectionPath, body: CreatePersonRequest
    ) -> JSONResponse:
        user = await context.run(
            request,
            lambda: gallery.create_user(collection_id, body.user_id, name=body.name),
            collection_id=collection_id,
            writes=True,
        )
        location = request.url_for("person", collection_id=collection_id, user_id=user.user_id)
        return JSONResponse(person_json(user), 201, {"Location": str(location.path)})

    @router.get(
        "/people/{user_id}",
        name="person",
        summary="Describe a person",
        responses={**problems(404), 200: response_doc("The person with their faces.", "person")},
    )
    async def describe_person(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.describe_user(collection_id, user_id),
            described_person_json,
            collection_id=collection_id,
        )

    @router.delete(
        "/people/{user_id}",
        status_code=204,
        summary="Delete a person for good; the faces stay in the collection",
        dependencies=REASON,
        responses={**problems(404, 415), 204: DONE},
    )
    async def delete_person(
        request: Request, collection_id: CollectionPath, user_id: UserPath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.delete_user(collection_id, user_id),
            collection_id=collection_id,
        )

    @router.post(
        "/people/{user_id}/faces",
        summary="Associate faces with a person",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc(
                "The faces that were associated, and those that were not.", "association"
            ),
        },
    )
    async def add_faces(
        request: Request, collection_id: CollectionPath, user_id: UserPath, body: AddFacesRequest
    ) -> JSONResponse:
        given = body.min_similarity
        min_similarity = ASSOCIATION_THRESHOLD if given is None else given
        return await context.respond(
            request,
            lambda: gallery.associate_faces(
                collection_id, user_id, body.face_ids, min_similarity=min_similarity
            ),
            association_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.delete(
        "/people/{user_id}/faces/{face_id}",
        summary="Disassociate a face from a person; it stays in the collection",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc(
                "Whether the face was disassociated, and if not, why.", "association"
            ),
        },
    )
    async def remove_face(
        request: Request, collection_id: CollectionPath, user_id: UserPath, face_id: FacePath
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.disassociate_faces(collection_id, user_id, [face_id]),
            association_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.get(
        "/people/{user_id}/matches",
        summary="Search for people who resemble a person",
        responses=_MATCHES,
    )
    async def match_person(
        request: Request,
        collection_id: CollectionPath,
        user_id: UserPath,
        limit: PeopleLimit = MAX_USER_MATCHES,
        threshold: Threshold = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.search_users_by_user(
                collection_id, user_id, threshold=threshold, limit=limit
            ),
            people_match_json,
            collection_id=collection_id,
        )

    @router.get(
        "/faces/{face_id}/people",
        summary="Search for the people whom a stored face may show",
        responses=_MATCHES,
    )
    async def match_face_to_people(
        request: Request,
        collection_id: CollectionPath,
        face_id: FacePath,
        limit: PeopleLimit = MAX_USER_MATCHES,
        threshold: Threshold = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.search_users_by_face(
                collection_id, face_id, threshold=threshold, limit=limit
            ),
            people_match_json,
            collection_id=collection_id,
        )

    return router


def people_photo_router(context: Context) -> APIRouter:
    """Return the route that searches for the people whom the largest face of a photo may show."""
    router = APIRouter(prefix=FACE_RECOGNITION, tags=["people"], route_class=UploadRoute)
    gallery = context.gallery

    @router.post(
        "/match-people",
        summary="Search for the people whom the largest face of a photo may show",
        openapi_extra=upload_bodies(MatchPeopleRequest, "image"),
        responses={**_MATCHES, **problems(404, 409, 415)},
    )
    async def match_people(request: Request, body: MatchPeopleRequest) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.search_users_by_photo(
                body.collection_id,
                body.photo(),
                threshold=body.threshold,
                limit=MAX_USER_MATCHES if body.limit is None else body.limit,
                options=body.options(),
            ),
            photo_people_match_json,
            collection_id=body.collection_id,
            cpu_bound=True,
        )

    return router
