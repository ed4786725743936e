"""Requests that list, create, change and delete collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facerec.gallery.presenting.collections import collection_json, summary_json

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.presenting.faces import Json


def _list(gallery: Gallery, _collection_id: str, request: Mapping[str, Any]) -> Json:
    page = gallery.list_collections(next_token=request["next_token"], limit=request["limit"])
    described = (gallery.describe_collection(each.collection_id) for each in page.collections)
    return {"collections": list(map(summary_json, described)), "next_token": page.next_token}


def _create(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    collection = gallery.create_collection(
        collection_id, tags=request["tags"], recipe=request["recipe"]
    )
    return collection_json(collection)


def _describe(gallery: Gallery, collection_id: str, _request: Mapping[str, Any]) -> Json:
    return summary_json(gallery.describe_collection(collection_id))


def _set_threshold(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    return collection_json(gallery.set_threshold(collection_id, request["threshold"]))


def _delete(gallery: Gallery, collection_id: str, _request: Mapping[str, Any]) -> Json:
    return gallery.delete_collection(collection_id).to_stored_json()


OPERATIONS = {
    "list_collections": _list,
    "create_collection": _create,
    "describe_collection": _describe,
    "set_threshold": _set_threshold,
    "delete_collection": _delete,
}
