"""The REST routes for photos: index, match, compare, detect."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.jobs import job_json
from facerec.api.rest.paths import FACE_RECOGNITION
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.index import IndexRequest
from facerec.api.rest.requests.recognition import CompareRequest, DetectRequest, MatchRequest
from facerec.api.rest.uploads import UploadRoute, upload_bodies
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError
from facerec.gallery.presenting.faces import detection_json, index_json
from facerec.gallery.presenting.search import comparison_json, search_json
from facerec.jobs.options import options_to_json
from facerec.jobs.service import Job


def recognition_router(context: Context) -> APIRouter:
    """Return the routes that take photos, to index, search, compare or inspect them."""
    router = APIRouter(prefix=FACE_RECOGNITION, tags=["face recognition"], route_class=UploadRoute)
    gallery = context.gallery

    @router.post(
        "/index",
        summary="Index the faces of a photo, or of many photos as a job",
        openapi_extra=upload_bodies(IndexRequest, "image"),
        responses={
            **problems(404, 409, 415),
            200: response_doc(
                "The faces that were stored and those that were rejected.", "index-result"
            ),
            202: {
                **response_doc("The job was started; `Location` is its address.", "job"),
                "headers": {"Location": {"schema": {"type": "string"}}},
            },
        },
    )
    async def index(request: Request, body: IndexRequest) -> JSONResponse:
        if body.is_job:
            options = body.index_options(gallery.defaults)
            job = await _start_job(context, request, body, options)
            location = str(request.url_for("job", job_id=job.id).path)
            return JSONResponse(job_json(job), 202, {"Location": location})
        return await context.respond(
            request,
            lambda: gallery.index(
                body.collection_id,
                body.photo(),
                external_image_id=body.external_image_id,
                photo_name=body.photo_name,
                options=body.options(),
                repeat_photo=body.repeat_photo is not False,
            ),
            index_json,
            collection_id=body.collection_id,
            writes=True,
            cpu_bound=True,
        )

    @router.post(
        "/match",
        summary="Search a collection for every face of a photo",
        openapi_extra=upload_bodies(MatchRequest, "image"),
        responses={
            **problems(404, 409, 415),
            200: response_doc("The faces of the photo with their matches.", "match-result"),
        },
    )
    async def match(request: Request, body: MatchRequest) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.search(
                body.collection_id,
                body.photo(),
                threshold=body.threshold,
                target_fmr=body.target_fmr,
                limit=body.limit,
                repeat_people=body.repeat_people,
                options=body.options(),
                index=body.index,
                external_image_id=body.external_image_id,
                photo_name=body.photo_name,
            ),
            search_json,
            collection_id=body.collection_id,
            writes=body.index,
            cpu_bound=True,
        )

    @router.post(
        "/compare",
        summary="Compare the faces of two photos",
        openapi_extra=upload_bodies(CompareRequest, "source", "target"),
        responses={
            **problems(404, 415),
            200: response_doc("Every pair of faces.", "compare-result"),
        },
    )
    async def compare(request: Request, body: CompareRequest) -> JSONResponse:
        options = body.options()
        return await context.respond(
            request,
            lambda: gallery.compare(
                body.source.photo(), body.target.photo(), options=options, limit=body.limit
            ),
            comparison_json,
            cpu_bound=True,
        )

    @router.post(
        "/detect",
        summary="Find the faces of a photo",
        openapi_extra=upload_bodies(DetectRequest, "image"),
        responses={
            **problems(404, 415),
            200: response_doc("The faces of the photo.", "detect-result"),
        },
    )
    async def detect(request: Request, body: DetectRequest) -> JSONResponse:
        options = body.options()
        return await context.respond(
            request,
            lambda: gallery.detect(body.photo(), options=options, attributes=body.attributes),
            lambda photo: detection_json(photo, gallery.model_version),
            cpu_bound=True,
        )

    return router


async def _start_job(
    context: Context, request: Request, body: IndexRequest, options: FaceOptions
) -> Job:
    jobs = context.jobs
    if jobs is None:
        raise InvalidInputError(
            "jobs are not available on this server", "index the photos one at a time"
        )
    document = body.execution_input(options_to_json(options))
    return await context.run(
        request,
        lambda: jobs.submit(document),
        collection_id=body.collection_id,
        writes=True,
    )
