"""The HTTP application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from facerec import __version__
from facerec.api.access_control import AccessControl
from facerec.api.access_log import Access
from facerec.api.auth.access import Guard
from facerec.api.capacity import Capacity
from facerec.api.limits import MAX_BODY
from facerec.api.pages import is_public, pages_router
from facerec.api.rekognition.route import rekognition_router
from facerec.api.rest.clusters import cluster_statements_router, clusters_router
from facerec.api.rest.collections import collections_router
from facerec.api.rest.context import Context
from facerec.api.rest.contracts import components, response_doc
from facerec.api.rest.corrections import corrections_router
from facerec.api.rest.erasures import erasures_router
from facerec.api.rest.exports import exports_router
from facerec.api.rest.faces import faces_router
from facerec.api.rest.found import found_photo_router, found_router
from facerec.api.rest.history import history_router
from facerec.api.rest.jobs import jobs_router
from facerec.api.rest.migrations import migrations_router
from facerec.api.rest.paths import API
from facerec.api.rest.people import people_photo_router, people_router
from facerec.api.rest.people_changes import people_changes_router
from facerec.api.rest.problems import handle_problems, problems
from facerec.api.rest.recognition import recognition_router
from facerec.api.rest.registrations import registrations_router
from facerec.api.rest.retention import retention_router
from facerec.api.rest.unknown_parameters import refuse_unknown_parameters
from facerec.core.cores import available_cores
from facerec.gallery.gallery import Gallery
from facerec.jobs.aws.clustering_jobs import ClusteringJobs
from facerec.jobs.service import JobService

DESCRIPTION = """Face collections on your own machine or AWS account.

Besides these routes, the server supports Amazon Rekognition's protocol: set
`AWS_ENDPOINT_URL_REKOGNITION` to its address, and boto3, the AWS CLI and the other SDKs work
unchanged.
"""


SECURITY_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token with which the server was started.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 for the service `rekognition` on a server with "
        "access keys, or for `execute-api` behind API Gateway.",
    },
}
"""Security schemes of the API. A server that only its own machine can reach requires none."""


@dataclass(frozen=True, slots=True)
class AppSettings:
    """Settings of the application.

    Attributes:
        guard: Authenticates requests.
        jobs: Service that runs jobs; None if jobs are not available.
        clusterings: Clusters faces in jobs; None to cluster them during the request.
        origins: Origins of web pages that can call the API.
        page: Whether ``/`` shows the page.
        public_pages: Whether the page and the documentation need no authentication.
        max_body: Maximum size of a request body in bytes.
        access_log: Called with each answered request; None for no log.
        photos_at_once: Maximum number of photos processed concurrently; by default
            ``available_cores``.
        placeholders: Whether to return placeholders for attributes of Rekognition that are unknown.
    """

    guard: Guard
    jobs: JobService | None = None
    clusterings: ClusteringJobs | None = None
    origins: Sequence[str] = ()
    page: bool = True
    public_pages: bool = True
    max_body: int = MAX_BODY
    access_log: Callable[[Access], None] | None = None
    photos_at_once: int = field(default_factory=available_cores)
    placeholders: bool = False


def create_app(gallery: Gallery, settings: AppSettings) -> FastAPI:
    """Return the application: REST and Rekognition's protocol over the same operations."""
    capacity = Capacity(settings.photos_at_once)
    context = Context(gallery, capacity, settings.jobs, settings.clusterings)
    routers = [
        rekognition_router(gallery, context.capacity, placeholders=settings.placeholders),
        recognition_router(context),
        collections_router(context),
        migrations_router(context),
        faces_router(context),
        corrections_router(context),
        people_router(context),
        people_changes_router(context),
        registrations_router(context),
        history_router(context),
        clusters_router(context),
        cluster_statements_router(context),
        people_photo_router(context),
        found_router(context),
        found_photo_router(context),
        erasures_router(context),
        exports_router(context),
        retention_router(context),
        jobs_router(context),
        pages_router(page=settings.page),
    ]
    app = FastAPI(
        title="facerec",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(refuse_unknown_parameters)],
        # A path that ends in a slash may come from an empty id, and must not become another path.
        redirect_slashes=False,
        middleware=_middleware(settings, [route for router in routers for route in router.routes]),
    )
    handle_problems(app)
    for router in routers:
        app.include_router(router)

    @app.get(
        f"{API}/health",
        tags=["health"],
        summary="Check that the server responds",
        responses={**problems(), 200: response_doc("The server responds.", "health")},
    )
    async def check_health(request: Request) -> JSONResponse:
        model_version = await context.run(request, lambda: gallery.model_version)
        return JSONResponse(
            {"status": "ok", "version": app.version, "model_version": model_version}
        )

    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _middleware(settings: AppSettings, routes: Sequence[BaseRoute]) -> list[Middleware]:
    guarded = Middleware(
        AccessControl,
        guard=settings.guard,
        public=is_public if settings.public_pages else _nothing,
        access_log=settings.access_log,
        routes=routes,
        max_body=settings.max_body,
    )
    if not settings.origins:
        return [guarded]
    # Browsers send a request without credentials first, so this runs before the guard.
    crossing = Middleware(
        CORSMiddleware,
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Location", "Retry-After", "x-amzn-RequestId"],
        max_age=3600,
    )
    return [crossing, guarded]


def _nothing(_method: str, _path: str) -> bool:
    return False


def _operation_id(route: APIRoute) -> str:
    """Return the name of a route's function, from which generated clients name their function."""
    return route.endpoint.__name__


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(components())
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        document["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema
