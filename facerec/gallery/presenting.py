"""Results as plain dictionaries, the same for the command line and for HTTP.

Their shapes stand in ``facerec/schemas``. An embedding is never part of them.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeAlias

from facerec.core.faces import BoundingBox, Landmarks, Quality
from facerec.core.photos import DetectedFace, PhotoFaces, RejectedFace
from facerec.core.records import Collection, FaceRecord
from facerec.gallery.collections import CollectionDescription
from facerec.gallery.comparing import Comparison
from facerec.gallery.matching import Match, MatchResult, SearchedFace
from facerec.gallery.stored_faces import Deletion, FacePage

Json: TypeAlias = dict[str, Any]


def collection_json(collection: Collection) -> Json:
    """Present a collection (``collection.json``)."""
    return {
        "collection_id": collection.collection_id,
        "model_version": collection.model_version,
        "created_at": _time(collection.created_at),
    }


def description_json(description: CollectionDescription) -> Json:
    """Present a collection and its number of faces (``collection.json``)."""
    return {
        **collection_json(description.collection),
        "face_count": description.face_count,
    }


def record_json(record: FaceRecord) -> Json:
    """Present a stored face (``face.json``, ``stored``)."""
    return {
        "face_id": record.face_id,
        "image_id": record.image_id,
        "external_image_id": record.external_image_id,
        "source": record.source,
        **_looks(record.box, record.confidence, record.landmarks, record.quality),
        "model_version": record.model_version,
        "indexed_at": _time(record.indexed_at),
    }


def face_page_json(collection_id: str, page: FacePage) -> Json:
    """Present a page of a collection's faces (``face-page.json``)."""
    return {
        "collection_id": collection_id,
        "faces": [record_json(record) for record in page.faces],
        "next_after": page.next_after,
    }


def deletion_json(collection_id: str, deletion: Deletion) -> Json:
    """Present what became of faces that were to be deleted (``deletion.json``)."""
    return {
        "collection_id": collection_id,
        "deleted": list(deletion.deleted),
        "not_found": list(deletion.not_found),
    }


def photo_json(photo: PhotoFaces) -> Json:
    """Present the faces of a photo (``photo-faces.json``)."""
    return {
        "width": photo.width,
        "height": photo.height,
        "faces": [detected_json(face) for face in photo.faces],
        "rejected": [rejected_json(face) for face in photo.rejected],
    }


def detection_json(photo: PhotoFaces, model_version: str) -> Json:
    """Present what was detected in a photo (``detect-result.json``)."""
    return {"model_version": model_version, **photo_json(photo)}


def match_result_json(result: MatchResult) -> Json:
    """Present who is on a photo (``match-result.json``)."""
    return {
        "collection_id": result.collection_id,
        "model_version": result.model_version,
        "threshold": result.threshold,
        "width": result.photo.width,
        "height": result.photo.height,
        "faces": [searched_json(searched) for searched in result.searched],
        "rejected": [rejected_json(face) for face in result.photo.rejected],
    }


def comparison_json(comparison: Comparison) -> Json:
    """Present two photos compared (``compare-result.json``)."""
    return {
        "model_version": comparison.model_version,
        "source": photo_json(comparison.source),
        "target": photo_json(comparison.target),
        "pairs": [asdict(pair) for pair in comparison.pairs],
    }


def searched_json(searched: SearchedFace) -> Json:
    """Present a probe's face with its matches."""
    return {
        **detected_json(searched.face),
        "decision": str(searched.decision),
        "matches": [match_json(match) for match in searched.matches],
    }


def match_json(match: Match) -> Json:
    """Present a match."""
    return {
        "similarity": match.similarity,
        "distance": match.distance,
        "face": record_json(match.face),
    }


def detected_json(face: DetectedFace) -> Json:
    """Present a detected face (``face.json``, ``detected``)."""
    return _looks(face.box, face.confidence, face.landmarks, face.quality)


def rejected_json(face: RejectedFace) -> Json:
    """Present a face that was left out, and why (``face.json``, ``rejected``)."""
    return {**detected_json(face), "reasons": [str(reason) for reason in face.reasons]}


def _looks(box: BoundingBox, confidence: float, landmarks: Landmarks, quality: Quality) -> Json:
    return {
        "box": asdict(box),
        "confidence": confidence,
        "landmarks": asdict(landmarks),
        "quality": asdict(quality),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
