"""Requests about registered people, and their matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facerec.gallery.presenting.people import event_page_json, person_json

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.presenting.faces import Json


def _register(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    user = gallery.register_user(
        collection_id, user_id, consent=request["consent"], expires=request["expires"]
    )
    return person_json(user)


def _unregister(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    return person_json(gallery.unregister_user(collection_id, user_id))


def _list_events(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    page = gallery.list_events(
        collection_id,
        undelivered=request["undelivered"],
        next_token=request["next_token"],
        limit=request["limit"],
    )
    return event_page_json(page)


def _retry_events(gallery: Gallery, collection_id: str, _request: Mapping[str, Any]) -> Json:
    return {"due": gallery.retry_events(collection_id)}


OPERATIONS = {
    "register": _register,
    "unregister": _unregister,
    "list_events": _list_events,
    "retry_events": _retry_events,
}
