"""Detected and stored faces as plain dictionaries.

``facerec/schemas`` defines the format of all results, which is the same for the command line and
for HTTP. They never contain an embedding.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox, Landmarks, Quality
    from facerec.core.photos import DetectedFace, PhotoFaces, RejectedFace
    from facerec.core.records import FaceRecord
    from facerec.gallery.collection_results import (
        CorrectionPage,
        FaceDeletion,
        FacePage,
        FailedDeletion,
        ListedFace,
    )
    from facerec.gallery.indexing.records import IndexResult

Json: TypeAlias = dict[str, Any]


def stored_face_json(
    record: FaceRecord, user_id: str | None = None, person_name: str | None = None
) -> Json:
    """Present a stored face (``face.json``, ``stored``)."""
    face = {
        "face_id": record.face_id,
        "image_id": record.image_id,
        "external_image_id": record.external_image_id,
        "source": record.source,
        **_appearance(record.box, record.confidence, record.landmarks, record.quality),
        "model_version": record.model_version,
        "indexed_at": iso_time(record.indexed_at),
    }
    person = {"user_id": user_id, "person_name": person_name}
    return {**face, **{name: value for name, value in person.items() if value is not None}}


def listed_face_json(face: ListedFace) -> Json:
    """Present a stored face with its person (``face.json``, ``stored``)."""
    return stored_face_json(face.record, face.user_id, face.person_name)


def face_page_json(page: FacePage) -> Json:
    """Present a page of a collection's faces (``face-list.json``)."""
    return {
        "collection_id": page.collection_id,
        "model_version": page.model_version,
        "faces": [listed_face_json(face) for face in page.faces],
        "next_token": page.next_token,
    }


def correction_page_json(page: CorrectionPage) -> Json:
    """Present a page of corrections (``correction-list.json``)."""
    return {
        "corrections": [
            {**asdict(each), "person_name": page.names.get(each.person)}
            for each in page.corrections
        ],
        "next_token": page.next_token,
    }


def deletion_json(deletion: FaceDeletion) -> Json:
    """Present the outcome of a request to delete faces (``deletion.json``)."""
    return {
        "collection_id": deletion.collection_id,
        "deleted": list(deletion.deleted),
        "failed": [_failed_json(failure) for failure in deletion.failed],
        "receipt": None if deletion.receipt is None else deletion.receipt.to_json(),
    }


def detected_json(face: DetectedFace) -> Json:
    """Present a detected face (``face.json``, ``detected``)."""
    shown = _appearance(face.box, face.confidence, face.landmarks, face.quality)
    if face.attributes is None:
        return shown
    estimated = face.attributes
    return {
        **shown,
        "attributes": {
            "age_range": asdict(estimated.age_range),
            "gender": str(estimated.gender),
            "gender_confidence": estimated.gender_confidence,
        },
    }


def rejected_json(face: RejectedFace) -> Json:
    """Present a rejected face with the reasons (``face.json``, ``rejected``)."""
    return {
        **detected_json(face),
        "reasons": [str(reason) for reason in face.reasons],
        "options": list(face.remedies),
    }


def photo_json(photo: PhotoFaces) -> Json:
    """Present the faces of a photo (``photo-faces.json``)."""
    return {
        **photo_facts(photo),
        "faces": [detected_json(face) for face in photo.faces],
        "rejected": [rejected_json(face) for face in photo.rejected],
    }


def detection_json(photo: PhotoFaces, model_version: str) -> Json:
    """Present the faces detected in a photo (``detect-result.json``)."""
    return {"model_version": model_version, **photo_json(photo)}


def index_json(result: IndexResult) -> Json:
    """Present the outcome of indexing a photo (``index-result.json``)."""
    return {
        "collection_id": result.collection_id,
        "model_version": result.model_version,
        "image_id": result.image_id,
        **photo_facts(result.photo),
        "faces": [listed_face_json(face) for face in result.faces],
        "added": result.added,
        "rejected": [rejected_json(face) for face in result.photo.rejected],
    }


def photo_facts(photo: PhotoFaces) -> Json:
    """Present the size and other properties of a photo, without its faces."""
    return {
        "width": photo.width,
        "height": photo.height,
        "rotation": photo.rotation,
        "is_animated": photo.is_animated,
    }


def _failed_json(failure: FailedDeletion) -> Json:
    document = {"face_id": failure.face_id, "reason": str(failure.reason)}
    return document if failure.user_id is None else {**document, "user_id": failure.user_id}


def _appearance(
    box: BoundingBox, confidence: float, landmarks: Landmarks, quality: Quality
) -> Json:
    return {
        "box": asdict(box),
        "confidence": confidence,
        "landmarks": asdict(landmarks),
        "quality": asdict(quality),
    }
