"""Requests that list and change people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facerec.errors import UserNotFoundError
from facerec.gallery.presenting.faces import face_page_json
from facerec.gallery.presenting.people import (
    association_json,
    described_person_json,
    people_match_json,
    person_json,
    person_page_json,
)

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.people.associations import AssociationOutcome
    from facerec.gallery.presenting.faces import Json


def _list(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    page = gallery.list_users(
        collection_id,
        name_contains=request["name_contains"],
        next_token=request["next_token"],
        limit=request["limit"],
    )
    return person_page_json(page)


def _show(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    """Return a person and the stored faces of the person."""
    user = gallery.resolve_user(collection_id, request["person"])
    page = gallery.list_faces(collection_id, user_id=user.user_id)
    return {"person": described_person_json(user), "faces": face_page_json(page)["faces"]}


def _create(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    return person_json(gallery.create_user(collection_id, request["user_id"], name=request["name"]))


def _rename(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    return person_json(gallery.rename_user(collection_id, user_id, request["name"]))


def _add_faces(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    outcome = gallery.associate_faces(
        collection_id, user_id, request["face_ids"], min_similarity=request["min_similarity"]
    )
    return outcome_json(outcome)


def _remove_faces(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    return outcome_json(gallery.disassociate_faces(collection_id, user_id, request["face_ids"]))


def _merge(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    kept, other = (
        gallery.resolve_user(collection_id, request[name]).user_id for name in ("person", "other")
    )
    return described_person_json(gallery.merge_users(collection_id, kept, other))


def _split(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    user = gallery.split_user(
        collection_id, user_id, request["face_ids"], request["new_person"], name=request["name"]
    )
    return described_person_json(user)


def _find_to_delete(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    """Return the id of a person to delete, and how many faces the person has.

    After an interrupted deletion, the person may no longer exist; the number is None then.
    """
    person = request["person"]
    try:
        user = gallery.resolve_user(collection_id, person)
    except UserNotFoundError:
        user_id = gallery.person_being_erased(collection_id, person)
        if user_id is None:
            raise
        return {"user_id": user_id, "face_count": None}
    return {"user_id": user.user_id, "face_count": len(user.face_ids)}


def _delete(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    return gallery.delete_user(collection_id, request["user_id"]).to_json()


def _match_face(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    found = gallery.search_users_by_face(
        collection_id,
        request["face_id"],
        threshold=request["threshold"],
        limit=request["limit"],
    )
    return people_match_json(found)


def _match_person(gallery: Gallery, collection_id: str, request: Mapping[str, Any]) -> Json:
    user_id = gallery.resolve_user(collection_id, request["person"]).user_id
    found = gallery.search_users_by_user(
        collection_id, user_id, threshold=request["threshold"], limit=request["limit"]
    )
    return people_match_json(found)


def outcome_json(outcome: AssociationOutcome) -> Json:
    """Return the outcome of a change of faces, with an error for each face that was not changed."""
    errors = [failure.to_error().to_json() for failure in outcome.failed]
    return {"outcome": association_json(outcome), "errors": errors}


OPERATIONS = {
    "list_people": _list,
    "show_person": _show,
    "create_person": _create,
    "rename_person": _rename,
    "add_faces": _add_faces,
    "remove_faces": _remove_faces,
    "merge_people": _merge,
    "split_person": _split,
    "find_person_to_delete": _find_to_delete,
    "delete_person": _delete,
    "match_face_to_people": _match_face,
    "match_person": _match_person,
}
