"""All photos of somebody as plain dictionaries, the same for the command line and for REST.

``facerec/schemas/find-result.json`` defines their format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.gallery.presenting.faces import Json, detected_json
from facerec.gallery.presenting.people import person_json
from facerec.gallery.presenting.search import match_json

if TYPE_CHECKING:
    from facerec.gallery.search.found_faces import FoundFace, FoundPage


def found_json(page: FoundPage) -> Json:
    """Present a page of the faces that show somebody (``find-result.json``)."""
    return {
        **common_json(page),
        "doubtful": page.doubtful,
        "matches": [found_face_json(each) for each in page.found],
        "next_token": page.next_token,
    }


def common_json(page: FoundPage) -> Json:
    """Present the fields that all pages of a request have in common."""
    return {
        "collection_id": page.collection_id,
        "model_version": page.model_version,
        "doubtful_below": page.doubtful_below,
        "doubtful_from": page.doubtful_from,
        "person": None if page.user is None else person_json(page.user),
        "face": None if page.face is None else detected_json(page.face),
        "other_faces": page.other_faces,
    }


def found_face_json(each: FoundFace) -> Json:
    """Present a face that shows somebody, with the reason why it is doubtful."""
    return {**match_json(each.match), "doubt": None if each.doubt is None else str(each.doubt)}
