"""Tests an engine with a photo of a known face before it processes the photos of a job."""

from __future__ import annotations

from importlib.resources import files

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.errors import MachineError


def known_face() -> bytes:
    """Return a photo that shows one face."""
    return (files("facerec") / "engine" / "known_face.jpg").read_bytes()


def check_engine(engine: FaceEngine) -> None:
    """Check that this machine can run an engine.

    Without this check, a problem of the machine would be recorded as a failure of every photo.

    Raises:
        MachineError: The engine cannot read a photo that shows one face, or does not find exactly
            one face in it.
        WeightsError: dlib's weights are missing or cannot be used.
    """
    (result,) = engine.analyse([known_face()], FaceOptions(min_confidence=0.5))
    if not isinstance(result, PhotoFaces) or len(result.faces) != 1:
        if isinstance(result, PhotoFaces):
            found = f"in a photo of one face it found {len(result.faces)} faces"
        else:
            found = f"it could not read its test photo: {result.detail}"
        raise MachineError(f"the engine does not work on this machine: {found}")
