"""The routes about photos: index, match, compare, detect."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.jobs import JobState
from facerec.api.rest.context import Context, options_document
from facerec.api.rest.contracts import answer
from facerec.api.rest.jobs import job_json
from facerec.api.rest.problems import problems
from facerec.api.rest.requests import (
    CompareRequest,
    DetectRequest,
    IndexRequest,
    MatchRequest,
)
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError, NoFaceError
from facerec.gallery.matching import MatchResult
from facerec.gallery.presenting import (
    comparison_json,
    detection_json,
    match_result_json,
    record_json,
    rejected_json,
)
from facerec.gallery.service.comparing import compare_photos, detect_faces
from facerec.gallery.service.indexing import IndexedPhoto, index_photo
from facerec.gallery.service.searching import IndexAlso, MatchedPhoto, match_photo

PREFIX = "/api/v1/face-recognition"


def recognition_router(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix=PREFIX, tags=["face recognition"])
    parts = context.parts

    @router.post(
        "/index",
        summary="Index the faces of a photo, or of many photos as a job",
        responses={
            **problems(404),
            200: answer("What became of the faces of the photo.", "index-result"),
            202: {
                **answer("The job was started; `Location` says where to look.", "job-state"),
                "headers": {"Location": {"schema": {"type": "string"}}},
            },
        },
    )
    async def index(request: Request, wanted: IndexRequest) -> JSONResponse:
        options = context.index_options(wanted, wanted.max_faces)
        if wanted.is_job:
            state = await _start_job(context, request, wanted, options)
            location = str(request.url_for("job", job_id=state.job_id).path)
            return JSONResponse(job_json(state), 202, {"Location": location})
        indexed = await context.run(
            request,
            lambda: index_photo(
                parts,
                wanted.collection_id,
                wanted.photo(),
                external_image_id=wanted.external_image_id,
                options=options,
            ),
            collection_id=wanted.collection_id,
            writes=True,
            looks=True,
        )
        return JSONResponse(_indexed_json(wanted.collection_id, indexed))

    @router.post(
        "/match",
        summary="Find who is on a photo; every face of it is searched",
        responses={
            **problems(404),
            200: answer("The faces of the photo with their matches.", "match-result"),
        },
    )
    async def match(request: Request, wanted: MatchRequest) -> JSONResponse:
        threshold = parts.threshold if wanted.threshold is None else wanted.threshold
        also = IndexAlso(wanted.external_image_id) if wanted.index else None
        options = (
            context.index_options(wanted, None) if wanted.index else context.probe_options(wanted)
        )
        matched = await context.run(
            request,
            lambda: match_photo(
                parts,
                wanted.collection_id,
                wanted.photo(),
                top=wanted.max_faces,
                min_similarity=threshold,
                options=options,
                index=also,
            ),
            collection_id=wanted.collection_id,
            writes=wanted.index,
            looks=True,
        )
        return JSONResponse(_matched_json(wanted.collection_id, threshold, matched))

    @router.post(
        "/compare",
        summary="Compare the faces of two photos",
        responses={**problems(404), 200: answer("Every pair of faces.", "compare-result")},
    )
    async def compare(request: Request, wanted: CompareRequest) -> JSONResponse:
        options = context.probe_options(wanted)
        compared = await context.run(
            request,
            lambda: compare_photos(parts, wanted.source.photo(), wanted.target.photo(), options),
            looks=True,
        )
        return JSONResponse(comparison_json(compared))

    @router.post(
        "/detect",
        summary="Find the faces of a photo",
        responses={**problems(404), 200: answer("The faces of the photo.", "detect-result")},
    )
    async def detect(request: Request, wanted: DetectRequest) -> JSONResponse:
        options = context.probe_options(wanted)
        found = await context.run(
            request, lambda: detect_faces(parts, wanted.photo(), options), looks=True
        )
        return JSONResponse(detection_json(found, parts.engine.model_version))

    return router


async def _start_job(
    context: Context, request: Request, wanted: IndexRequest, options: FaceOptions
) -> JobState:
    jobs = context.jobs
    if jobs is None:
        raise InvalidInputError("this server runs no jobs")
    document = wanted.execution_input(options_document(options))
    return await context.run(
        request,
        lambda: jobs.start(document),
        collection_id=wanted.collection_id,
        writes=True,
    )


def _matched_json(collection_id: str, threshold: float, matched: MatchedPhoto) -> dict[str, Any]:
    if not matched.searched:
        raise NoFaceError("no face was found on the photo, or none that the options accept")
    found = match_result_json(
        MatchResult(
            collection_id, matched.model_version, threshold, matched.photo, matched.searched
        )
    )
    for match in (match for face in found["faces"] for match in face["matches"]):
        user_id = matched.user_ids.get(match["face"]["face_id"])
        if user_id is not None:
            match["face"]["user_id"] = user_id
    if matched.indexed is not None:
        found["indexed"] = _indexed_json(collection_id, matched.indexed)
    return found


def _indexed_json(collection_id: str, indexed: IndexedPhoto) -> dict[str, Any]:
    return {
        "collection_id": collection_id,
        "model_version": indexed.model_version,
        "image_id": indexed.image_id,
        "width": indexed.photo.width,
        "height": indexed.photo.height,
        "faces": [record_json(record) for record in indexed.faces],
        "rejected": [rejected_json(face) for face in indexed.photo.rejected],
    }
