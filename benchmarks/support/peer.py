"""The peer: a loop over the ``face_recognition`` library with its defaults.

Install it without its dependencies (``requirements/peer.txt``), which would build dlib from source
although ``dlib-bin`` is installed. The library reads the paths of its weights from
``face_recognition_models``, whose import needs ``pkg_resources``, which current setuptools lacks. A
stand-in module returns the same paths, except for the 68-point landmarks: the library loads them
without using them, and their licence excludes commercial use, so it gets the 5-point landmarks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from facerec.engine.dlib.weights import Weights, find_weights

_WEIGHTS = {
    "pose_predictor_model_location": Weights.LANDMARKS,
    "pose_predictor_five_point_model_location": Weights.LANDMARKS,
    "face_recognition_model_location": Weights.DESCRIPTOR,
    "cnn_face_detector_model_location": Weights.DETECTOR,
}

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def is_installed() -> bool:
    """Return whether the library is installed."""
    return find_spec("face_recognition") is not None


def index(paths: Sequence[Path]) -> list[list[NDArray[np.float64]]]:
    """Return the descriptors of the faces of each photo, with the library's defaults.

    These are HOG upsampled once, 5-point landmarks and one descriptor per face.
    """
    face_recognition = load()
    found = []
    for path in paths:
        photo = face_recognition.load_image_file(str(path))
        locations = face_recognition.face_locations(photo)
        found.append(face_recognition.face_encodings(photo, known_face_locations=locations))
    return found


@cache
def load() -> ModuleType:
    """Import the library with a stand-in for its package of weights."""
    stand_in = ModuleType("face_recognition_models")
    for name, weights in _WEIGHTS.items():
        path = str(find_weights(weights))
        setattr(stand_in, name, lambda path=path: path)
    sys.modules[stand_in.__name__] = stand_in
    try:
        return import_module("face_recognition")
    finally:
        del sys.modules[stand_in.__name__]
