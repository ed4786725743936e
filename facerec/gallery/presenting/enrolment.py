"""People enrolled from the names of their photos as plain dictionaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from facerec.gallery.people.enrolling import (
    CorrectedPhoto,
    EndedRegistration,
    Enrolment,
    EnrolmentProblem,
    UnnamedPhoto,
)

if TYPE_CHECKING:
    from facerec.gallery.presenting.faces import Json


def enrolment_json(enrolment: Enrolment) -> Json:
    """Present the outcome of enrolling people (``enrolment.json``)."""
    return {
        "collection_id": enrolment.collection_id,
        "people": enrolment.people,
        "created": enrolment.created,
        "associated": enrolment.associated,
        "unchanged": enrolment.unchanged,
        "corrected": [asdict(photo) for photo in enrolment.corrected],
        "deleted": list(enrolment.deleted),
        "unnamed": [
            {**asdict(photo), "problem": str(photo.problem)} for photo in enrolment.unnamed
        ],
        "registrations": [asdict(each) for each in enrolment.registrations],
        "nameless": enrolment.nameless,
        "nameless_sources": list(enrolment.nameless_sources),
    }


def enrolment_from_json(document: Json) -> Enrolment:
    """Return the outcome that ``enrolment_json`` has presented."""
    return Enrolment(
        **{
            **document,
            "corrected": tuple(CorrectedPhoto(**photo) for photo in document["corrected"]),
            "deleted": tuple(document["deleted"]),
            "unnamed": tuple(
                UnnamedPhoto(**{**photo, "problem": EnrolmentProblem(photo["problem"])})
                for photo in document["unnamed"]
            ),
            "registrations": tuple(EndedRegistration(**each) for each in document["registrations"]),
            "nameless_sources": tuple(document["nameless_sources"]),
        }
    )
