"""Requests for the review of clusters as JSON, which a command sends to a gallery or to a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_PAGE
from facerec.gallery.presenting.clusters import cluster_json, cluster_page_json
from facerec.gallery.presenting.faces import face_page_json
from facerec.gallery.presenting.people import association_json
from facerec.gallery.subjects import known_name, new_or_known

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery

Json = dict[str, Any]


def answer_cluster_request(gallery: Gallery, request: Mapping[str, Any]) -> Json:
    """Perform the operation of a request, and return its result as JSON values.

    Args:
        gallery: the gallery.
        request: ``clusters``, a collection; ``operation``, one of those below; and its arguments.
            ``list`` (``next_token``, ``limit``) returns a page of clusters, ``show``
            (``cluster_id``) a cluster and its faces, ``name`` (``cluster_id``, ``person``: an id or
            a display name) the outcome and the errors of faces, ``ignore`` (``cluster_id``,
            ``ignored``) and ``not_same`` (``cluster_id``, ``person``) nothing, and ``not_a_face``
            (``face_id``, ``lift``) whether this changed anything.

    Raises:
        FacerecError: see the operations of ``Gallery``.
    """
    return _OPERATIONS[request["operation"]](gallery, str(request["clusters"]), request)


def _list(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    page = gallery.list_clusters(
        collection_id, next_token=request["next_token"], limit=request["limit"]
    )
    return cluster_page_json(page)


def _show(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    cluster = gallery.describe_cluster(collection_id, request["cluster_id"])
    page = gallery.list_faces(collection_id, face_ids=cluster.face_ids, limit=MAX_PAGE)
    return {"cluster": cluster_json(cluster), "faces": face_page_json(page)["faces"]}


def _name(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id, name = new_or_known(gallery, collection_id, request["person"])
    outcome = gallery.name_cluster(collection_id, request["cluster_id"], user_id, name=name)
    errors = [failure.to_error().to_json() for failure in outcome.failed]
    return {"outcome": association_json(outcome), "errors": errors}


def _ignore(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    gallery.ignore_cluster(collection_id, request["cluster_id"], ignored=request["ignored"])
    return {}


def _not_same(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    person = known_name(gallery, collection_id, request["person"])
    gallery.not_same_cluster(collection_id, request["cluster_id"], person)
    return {}


def _not_a_face(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    lift = request["lift"]
    return {"changed": gallery.not_a_face(collection_id, request["face_id"], lift=lift)}


_OPERATIONS: dict[str, Callable[[Gallery, str, Mapping[str, Any]], Json]] = {
    "list": _list,
    "show": _show,
    "name": _name,
    "ignore": _ignore,
    "not_same": _not_same,
    "not_a_face": _not_a_face,
}
