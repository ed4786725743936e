"""People enrolled from the names of their photos as plain dictionaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.gallery.people.enrolling import Enrolment
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
    }
