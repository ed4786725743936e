"""The REST routes for jobs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context, authorise
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import JOBS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.parameters import created_id
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_JOBS, MAX_JOBS
from facerec.errors import JobNotFoundError
from facerec.jobs.progress import Progress
from facerec.jobs.service import LATEST, Job, JobService
from facerec.storage.objects.protocol import scheme_of

JOB_ID_PATTERN = r"^[A-Za-z0-9_.:\-]{1,512}$"
"""Pattern of job ids: ids of plans, and names and ARNs of executions."""

JobPath = Annotated[
    str, created_id(JOB_ID_PATTERN), Path(description=f"Id of a job, or `{LATEST}` for the newest.")
]


def jobs_router(context: Context) -> APIRouter:
    """Return the routes that list, describe and cancel jobs."""
    router = APIRouter(prefix=JOBS, tags=["jobs"], route_class=JsonRoute)

    def service(job_id: str) -> JobService:
        if context.jobs is None or not re.fullmatch(JOB_ID_PATTERN, job_id):
            raise JobNotFoundError(job_id)
        return context.jobs

    @router.get(
        "",
        summary="List the newest jobs",
        responses={**problems(), 200: response_doc("The newest jobs.", "job-list")},
    )
    async def list_jobs(
        request: Request, limit: Annotated[int, Query(ge=1, le=MAX_JOBS)] = DEFAULT_JOBS
    ) -> JSONResponse:
        jobs = context.jobs
        found = [] if jobs is None else await context.run(request, lambda: jobs.list(limit))
        principal = authorise(request, None, writes=False)
        visible = [
            job_json(job)
            for job in found
            if principal.collections is None or principal.may_use(job.collection_id or "")
        ]
        return JSONResponse({"jobs": visible})

    @router.get(
        "/{job_id}",
        name="job",
        summary="Return the status and progress of a job",
        responses={**problems(404), 200: response_doc("The job.", "job")},
    )
    async def get_job(request: Request, job_id: JobPath) -> JSONResponse:
        jobs = service(job_id)
        job = await context.run(request, lambda: jobs.get(job_id))
        authorise(request, job.collection_id or "", writes=False)
        return JSONResponse(await context.run(request, lambda: _with_progress(jobs, job)))

    @router.post(
        "/{job_id}/cancel",
        summary="Cancel a job",
        responses={**problems(404, 409, 415), 200: response_doc("The job.", "job")},
    )
    async def cancel_job(request: Request, job_id: JobPath) -> JSONResponse:
        jobs = service(job_id)
        job = await context.run(request, lambda: jobs.get(job_id))
        authorise(request, job.collection_id or "", writes=True)

        def cancel() -> dict[str, Any]:
            jobs.cancel(job)
            return _with_progress(jobs, jobs.get(job_id))

        return JSONResponse(await context.run(request, cancel))

    return router


def _with_progress(jobs: JobService, job: Job) -> dict[str, Any]:
    return job_json(job, jobs.progress(job) if job.plan else None)


def job_json(job: Job, progress: Progress | None = None) -> dict[str, Any]:
    """Return a job in the form of ``schemas/job.json``, as clients see it."""
    document = job.to_json(progress)
    # A path on the server is useless to a client, and must not be revealed.
    if scheme_of(document["job_folder"] or "") == "file":
        document["job_folder"] = None
    return document
