"""People enrolled from the names of their photos as plain dictionaries."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from facerec.core.json_fields import from_fields
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
    """Return the outcome that ``enrolment_json`` has presented, perhaps in another release.

    Raises:
        KeyError: See ``from_fields``.
    """
    enrolment = from_fields(Enrolment, document)
    return replace(
        enrolment,
        corrected=tuple(from_fields(CorrectedPhoto, each) for each in document["corrected"]),
        deleted=tuple(enrolment.deleted),
        unnamed=tuple(
            replace(from_fields(UnnamedPhoto, photo), problem=EnrolmentProblem(photo["problem"]))
            for photo in document["unnamed"]
        ),
        registrations=tuple(
            from_fields(EndedRegistration, each) for each in document.get("registrations", ())
        ),
        nameless_sources=tuple(enrolment.nameless_sources),
    )
