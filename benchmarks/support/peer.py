"""The peer: what one writes with the ``face_recognition`` library and its defaults.

Install it without its dependencies (``requirements/peer.txt``): they would build dlib from source,
while ``dlib-bin`` is there. The library reads its weights' paths from ``face_recognition_models``,
whose import needs ``pkg_resources``, gone from current setuptools; a stand-in module names the same
files. Of the landmarks of 68 points, which the library would load and not use, it names those of 5
points in their place: they may not be used commercially.
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
    """Say whether the library is there."""
    return find_spec("face_recognition") is not None


def index(paths: Sequence[Path]) -> list[list[NDArray[np.float64]]]:
    """Return the descriptors of the faces of each photo, as a loop over the library has them.

    With its defaults: HOG upsampled once, 5 landmarks, one descriptor a face.
    """
    face_recognition = _library()
    found = []
    for path in paths:
        photo = face_recognition.load_image_file(str(path))
        places = face_recognition.face_locations(photo)
        found.append(face_recognition.face_encodings(photo, known_face_locations=places))
    return found


@cache
def _library() -> ModuleType:
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
