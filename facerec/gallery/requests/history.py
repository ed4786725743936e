"""Requests that list and undo changes of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facerec.gallery.presenting.history import history_entry_json, history_page_json

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.presenting.faces import Json


def _list(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    page = gallery.list_history(
        collection_id,
        person=request["person"],
        next_token=request["next_token"],
        limit=request["limit"],
    )
    return history_page_json(page)


def _undo(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    entry = gallery.undo(collection_id, request["entry_id"])
    return history_entry_json(entry, gallery.display_names(collection_id, entry.people))


OPERATIONS = {"list_history": _list, "undo": _undo}
