"""Searches for faces, and comparisons of photos, as plain dictionaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from facerec.gallery.presenting.faces import (
    Json,
    detected_json,
    index_json,
    photo_facts,
    photo_json,
    rejected_json,
    stored_face_json,
)

if TYPE_CHECKING:
    from facerec.gallery.search.comparing import Comparison
    from facerec.gallery.search.search_results import (
        FaceSearchResult,
        Match,
        SearchedFace,
        SearchResult,
    )


def search_json(result: SearchResult) -> Json:
    """Present who is in a photo (``match-result.json``)."""
    document = {
        "collection_id": result.collection_id,
        "model_version": result.model_version,
        "threshold": result.threshold,
        **photo_facts(result.photo),
        "faces": [searched_json(searched) for searched in result.faces],
        "rejected": [rejected_json(face) for face in result.photo.rejected],
    }
    if result.indexed is not None:
        document["indexed"] = index_json(result.indexed)
    return document


def face_search_json(result: FaceSearchResult) -> Json:
    """Present the stored faces that resemble a stored face (``face-match-result.json``)."""
    return {
        "collection_id": result.collection_id,
        "model_version": result.model_version,
        "threshold": result.threshold,
        "face_id": result.face_id,
        "matches": [match_json(match) for match in result.matches],
        "more_matches": result.more_matches,
    }


def comparison_json(comparison: Comparison) -> Json:
    """Present the comparison of two photos (``compare-result.json``)."""
    return {
        "model_version": comparison.model_version,
        "source": photo_json(comparison.source),
        "target": photo_json(comparison.target),
        "pairs": [asdict(pair) for pair in comparison.pairs],
        "more_pairs": comparison.more_pairs,
    }


def searched_json(searched: SearchedFace) -> Json:
    """Present a probe's face with its matches."""
    return {
        **detected_json(searched.face),
        "decision": str(searched.decision),
        "matches": [match_json(match) for match in searched.matches],
        "more_matches": searched.more_matches,
        "candidates": [match_json(match) for match in searched.candidates],
    }


def match_json(match: Match) -> Json:
    """Present a match."""
    return {
        "similarity": match.similarity,
        "distance": match.distance,
        "face": stored_face_json(match.face, match.user_id, match.person_name),
    }
