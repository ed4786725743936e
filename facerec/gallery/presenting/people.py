"""Results about people as plain dictionaries, the same for the command line and for REST.

``facerec/schemas`` defines their format. People are users in Rekognition; their JSON key is
``user_id``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.times import iso_time
from facerec.gallery.presenting.faces import Json, detected_json, rejected_json

if TYPE_CHECKING:
    from facerec.core.records import User
    from facerec.core.registrations import Registration
    from facerec.gallery.collection_results import EventPage
    from facerec.gallery.people import associations
    from facerec.gallery.people.associations import AssociationOutcome, FailedAssociation
    from facerec.gallery.people.person_search import (
        PhotoUserSearchResult,
        UserMatch,
        UserPage,
        UserSearchResult,
    )
else:
    associations = DeferredModule("facerec.gallery.people.associations")


def person_json(user: User) -> Json:
    """Present a person (``person.json``)."""
    return {
        "user_id": user.user_id,
        "name": user.name,
        "status": str(associations.status_of(user)),
        "created_at": iso_time(user.created_at),
        "face_count": len(user.face_ids),
        "registration": registration_json(user.registration),
    }


def registration_json(registration: Registration | None) -> Json | None:
    """Present a registration, and whether it has expired (``person.json``); None stays None."""
    if registration is None:
        return None
    return {
        "consent": registration.consent,
        "expires": registration.expires,
        "expired": not registration.is_active(time.time()),
    }


def described_person_json(user: User) -> Json:
    """Present a person with the ids of their faces (``person.json``)."""
    return {**person_json(user), "face_ids": list(user.face_ids)}


def person_page_json(page: UserPage) -> Json:
    """Present a page of a collection's people (``person-list.json``)."""
    return {
        "collection_id": page.collection_id,
        "people": [person_json(user) for user in page.users],
        "next_token": page.next_token,
    }


def event_page_json(page: EventPage) -> Json:
    """Present matches with registered people (``match-event-list.json``)."""
    return {
        "collection_id": page.collection_id,
        "events": [
            {**kept.to_json(), "person_name": page.names.get(kept.event.user_id)}
            for kept in page.events
        ],
        "next_token": page.next_token,
    }


def association_json(outcome: AssociationOutcome) -> Json:
    """Present which faces were associated or disassociated (``association.json``)."""
    return {
        "collection_id": outcome.collection_id,
        "user_id": outcome.user_id,
        "status": str(outcome.status),
        "changed": list(outcome.changed),
        "failed": [_failed_json(failure) for failure in outcome.failed],
    }


def people_match_json(result: UserSearchResult) -> Json:
    """Present the people who resemble a face or another person (``people-match-result.json``)."""
    return {
        "collection_id": result.collection_id,
        "model_version": result.model_version,
        "threshold": result.threshold,
        "matches": [_match_json(match) for match in result.matches],
        "more_matches": result.more_matches,
    }


def photo_people_match_json(result: PhotoUserSearchResult) -> Json:
    """Present whom the largest face of a photo may show (``people-match-result.json``)."""
    return {
        **people_match_json(result),
        "face": None if result.face is None else detected_json(result.face),
        "smaller": [detected_json(face) for face in result.smaller],
        "rejected": [rejected_json(face) for face in result.rejected],
    }


def _match_json(match: UserMatch) -> Json:
    return {
        "similarity": match.similarity,
        "distance": match.distance,
        "person": person_json(match.user),
    }


def _failed_json(failure: FailedAssociation) -> Json:
    document: Json = {
        "face_id": failure.face_id,
        "reasons": [str(reason) for reason in failure.reasons],
    }
    if failure.user_id is not None:
        document["user_id"] = failure.user_id
    if failure.similarity is not None:
        document["similarity"] = failure.similarity
    return document
