"""Requests for the review of clusters of unknown people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_PAGE
from facerec.gallery.presenting.clusters import cluster_json, cluster_page_json
from facerec.gallery.presenting.faces import face_page_json
from facerec.gallery.requests.people import outcome_json
from facerec.gallery.subjects import known_name, new_or_known

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.presenting.faces import Json


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
    # Failures without a reason are faces beyond the maximum of a person.
    failed = tuple(each for each in outcome.failed if each.reasons)
    errors = outcome_json(replace(outcome, failed=failed))["errors"]
    beyond = len(outcome.failed) - len(failed)
    return {**outcome_json(outcome), "errors": errors, "beyond": beyond}


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


OPERATIONS = {
    "list_clusters": _list,
    "show_cluster": _show,
    "name_cluster": _name,
    "ignore_cluster": _ignore,
    "not_same_cluster": _not_same,
    "not_a_face": _not_a_face,
}
