"""The REST routes for the history of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from facerec.api.rest.context import Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import CollectionPath, EntryPath, NextToken
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_HISTORY, MAX_HISTORY
from facerec.gallery.presenting.history import history_entry_json, history_page_json

if TYPE_CHECKING:
    from facerec.core.history import Entry


def history_router(context: Context) -> APIRouter:
    """Return the routes that list the history of people, and undo an entry."""
    router = APIRouter(
        prefix="/api/v1/collections/{collection_id}", tags=["people"], route_class=JsonRoute
    )
    gallery = context.gallery

    @router.get(
        "/history",
        summary="List who changed people, when and why, newest first",
        responses={**problems(404), 200: response_doc("A page of the history.", "history")},
    )
    async def list_history(
        request: Request,
        collection_id: CollectionPath,
        person: Annotated[
            str | None,
            Query(
                min_length=1, description="List only changes of the person with this id or name."
            ),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_HISTORY)] = DEFAULT_HISTORY,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_history(
                collection_id, person=person, next_token=next_token, limit=limit
            ),
            history_page_json,
            collection_id=collection_id,
        )

    @router.post(
        "/history/{entry_id}/undo",
        summary="Undo a change of people",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 200: response_doc("The new entry.", "history-entry")},
    )
    async def undo_change(
        request: Request,
        collection_id: CollectionPath,
        entry_id: EntryPath,
    ) -> JSONResponse:
        def undo() -> tuple[Entry, dict[str, str]]:
            entry = gallery.undo(collection_id, entry_id)
            return entry, gallery.display_names(collection_id, entry.people)

        return await context.respond(
            request,
            undo,
            lambda done: history_entry_json(*done),
            collection_id=collection_id,
            writes=True,
        )

    return router
