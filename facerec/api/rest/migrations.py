"""The REST routes for migrations of collections to another model version."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTIONS
from facerec.api.rest.problems import problems
from facerec.api.rest.requests.collections import MigrationRequest
from facerec.api.rest.requests.parameters import CollectionPath, Limit, NextToken
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import MIGRATION_PAGE
from facerec.gallery.presenting.migrations import (
    finished_json,
    migration_json,
    migration_page_json,
)


def migrations_router(context: Context) -> APIRouter:
    """Return the routes that migrate collections."""
    router = APIRouter(prefix=COLLECTIONS, tags=["collections"], route_class=JsonRoute)
    gallery = context.gallery

    @router.get(
        "/{collection_id}/migration",
        summary="Show the progress of the migration of a collection to another recipe",
        responses={**problems(404), 200: response_doc("The migration.", "migration")},
    )
    async def migration_status(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.migration_status(collection_id),
            migration_json,
            collection_id=collection_id,
        )

    @router.post(
        "/{collection_id}/migration",
        summary="Describe a page of faces with another recipe",
        description="Repeat with `next_token` until it is null, then switch. The collection serves "
        "its present version until then, and can be used.",
        responses={**problems(404, 409, 415), 200: response_doc("What changed.", "migration-page")},
    )
    async def prepare_migration(
        request: Request,
        collection_id: CollectionPath,
        body: MigrationRequest,
        limit: Limit = MIGRATION_PAGE,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.prepare_migration(
                collection_id,
                body.recipe,
                next_token=next_token,
                limit=limit,
                dry_run=body.dry_run,
            ),
            migration_page_json,
            collection_id=collection_id,
            writes=True,
            cpu_bound=True,
        )

    @router.post(
        "/{collection_id}/migration/switch",
        summary="Switch a collection to the new version",
        responses={**problems(404, 409, 415), 200: response_doc("The migration.", "migration")},
    )
    async def switch_version(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.switch_version(collection_id),
            migration_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.post(
        "/{collection_id}/migration/finish",
        summary="Remove the version that was served before the switch, for good",
        responses={**problems(404, 409, 415), 200: response_doc("The migration.", "migration")},
    )
    async def finish_migration(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.finish_migration(collection_id),
            finished_json,
            collection_id=collection_id,
            writes=True,
        )

    @router.delete(
        "/{collection_id}/migration",
        summary="Serve the earlier version, and remove the new one",
        responses={**problems(404, 409, 415), 200: response_doc("The migration.", "migration")},
    )
    async def cancel_migration(request: Request, collection_id: CollectionPath) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.cancel_migration(collection_id),
            finished_json,
            collection_id=collection_id,
            writes=True,
        )

    return router
