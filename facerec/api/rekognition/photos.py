"""Rekognition's operations on photos that concern no collection."""

from __future__ import annotations

from facerec.api.rekognition import shapes
from facerec.api.rekognition.attributes import wanted_attributes
from facerec.api.rekognition.requests import (
    Request,
    estimates,
    face_options,
    photo_of,
    threshold_of,
)
from facerec.api.rekognition.shapes import Shape, percent
from facerec.gallery.gallery import Gallery


def compare_faces(gallery: Gallery, request: Request) -> Shape:
    """Compare the largest face of a photo with each face of another.

    Raises:
        RekognitionError: A photo is not given as either bytes or a complete S3 address.
    """
    threshold = threshold_of(request, "SimilarityThreshold")
    if threshold is None:
        threshold = gallery.defaults.threshold
    compared = gallery.compare(
        photo_of(request["SourceImage"]),
        photo_of(request["TargetImage"]),
        options=face_options(request),
    )
    largest = compared.source.faces[0]
    pairs = [pair for pair in compared.pairs if pair.source == 0]
    targets = compared.target.faces
    return {
        "SourceImageFace": {
            "BoundingBox": shapes.bounding_box(largest.box),
            "Confidence": percent(largest.confidence),
        },
        "FaceMatches": [
            {
                "Similarity": percent(pair.similarity),
                "Distance": pair.distance,
                "Face": shapes.face_detail(targets[pair.target]),
            }
            for pair in pairs
            if pair.similarity >= threshold
        ],
        "UnmatchedFaces": [
            shapes.face_detail(targets[pair.target])
            for pair in pairs
            if pair.similarity < threshold
        ],
        "ModelId": compared.model_version,
    }


def detect_faces(gallery: Gallery, request: Request) -> Shape:
    """Return the faces of a photo, largest first.

    Raises:
        RekognitionError: A photo is not given as either bytes or a complete S3 address.
    """
    wanted = wanted_attributes(request.get("Attributes", ()))
    found = gallery.detect(
        photo_of(request["Image"]),
        options=face_options(request),
        attributes=estimates(gallery, wanted),
    )
    return {
        "FaceDetails": [
            shapes.face_detail(face) | shapes.attributes(face.attributes, wanted)
            for face in found.faces
        ],
        "ModelId": gallery.model_version,
    }
