"""What every store checks before it touches anything; failing is a mistake of the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.records import StoredFace
from facerec.storage.scan import LARGEST_NORM

_IMAGE_KEY = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}")
"""See ``facerec.core.ids``."""

MOST_NEIGHBOURS = 4096
"""The most neighbours of one probe, as in Rekognition (``MaxFaces`` of ``SearchFaces``)."""


def checked_images(images: Mapping[str, Sequence[StoredFace]]) -> dict[str, StoredFace]:
    """Return all faces of the images by face id.

    Raises:
        ValueError: an image's key is none, a face does not belong to its image, or its embedding
            is no embedding.
    """
    faces = {}
    for image_key, members in images.items():
        # part of a key would name, and so replace, the faces of many images
        if not _IMAGE_KEY.fullmatch(image_key):
            raise ValueError(f"{image_key!r} is not the key of an image")
        for face in members:
            if not face.record.face_id.startswith(image_key):
                raise ValueError(f"face {face.record.face_id} is not of image {image_key}")
            if face.embedding.shape != (EMBEDDING_SIZE,) or face.embedding.dtype != np.float32:
                raise ValueError(f"embeddings are float32 of shape ({EMBEDDING_SIZE},)")
            # also false where a value is not a number
            if not float(np.linalg.norm(face.embedding)) < LARGEST_NORM:
                raise ValueError("the embedding is not finite, or far too large")
            faces[face.record.face_id] = face
    return faces


def checked_probes(probes: NDArray[np.float32], top: int) -> None:
    """Check the arguments of a search.

    Raises:
        ValueError: the probes are not embeddings, or ``top`` is out of range.
    """
    if probes.ndim != 2 or probes.shape[1] != EMBEDDING_SIZE or probes.dtype != np.float32:
        raise ValueError(f"probes are float32 of shape (n, {EMBEDDING_SIZE})")
    if not (np.linalg.norm(probes, axis=1) < LARGEST_NORM).all():
        raise ValueError("a probe is not finite, or far too large")
    if not 1 <= top <= MOST_NEIGHBOURS:
        raise ValueError(f"top is {top}, not 1 to {MOST_NEIGHBOURS}")
