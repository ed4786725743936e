"""The routes about jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from facerec.api.jobs import JobState
from facerec.api.rest.context import Context, authorise
from facerec.api.rest.contracts import answer
from facerec.api.rest.problems import problems
from facerec.errors import JobNotFoundError

JobPath = Annotated[str, Path(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_.:\-]+$")]


def jobs_router(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

    @router.get(
        "",
        summary="List the newest jobs",
        responses={**problems(), 200: answer("The newest jobs.", "job-list")},
    )
    async def jobs(
        request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> JSONResponse:
        runner = context.jobs
        found = [] if runner is None else await context.run(request, lambda: runner.states(limit))
        principal = authorise(request, None, writes=False)
        shown = [
            job_json(state)
            for state in found
            if principal.collections is None or principal.may_use(state.collection_id or "")
        ]
        return JSONResponse({"jobs": shown})

    @router.get(
        "/{job_id}",
        name="job",
        summary="Say how a job stands",
        responses={**problems(404), 200: answer("How the job stands.", "job-state")},
    )
    async def job(request: Request, job_id: JobPath) -> JSONResponse:
        runner = context.jobs
        if runner is None:
            raise JobNotFoundError(job_id)
        state = await context.run(request, lambda: runner.state(job_id))
        authorise(request, state.collection_id or "", writes=False)
        return JSONResponse(job_json(state))

    return router


def job_json(state: JobState) -> dict[str, Any]:
    """Present how a job stands (``job-state.json``)."""
    created = datetime.fromtimestamp(state.created_at, UTC).isoformat().replace("+00:00", "Z")
    return {
        "job_id": state.job_id,
        "collection_id": state.collection_id,
        "status": state.status,
        "created_at": created,
        "images": state.images,
        "estimated_images": state.estimated_images,
        "report": state.report,
        "error": state.error,
    }
