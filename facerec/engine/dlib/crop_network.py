"""dlib's face detection network for one place of a photo, instead of all of it."""

from __future__ import annotations

from facerec.engine.dlib.detector_network import DetectorGeometry, build_detector_model

MARGIN = 1
"""Outputs scored around the middle of a crop in each direction: 8 pixels of 80 each."""


def build_crop_model(weights: bytes) -> bytes:
    """Convert ``mmod_human_face_detector.dat`` to a model for crops of a photo.

    It computes the same scores as the model of ``build_detector_model``, but only those that
    depend on nothing beyond the input: without padding its layers get smaller one by one, which
    saves a third of the work on a crop.

    Args:
        weights: the content of the file.

    Raises:
        DlibFormatError: the content is not that network.
    """
    return build_detector_model(weights, padded=False)


def crop_side(geometry: DetectorGeometry) -> int:
    """Return the side in pixels of a crop whose middle and margin the model scores.

    Args:
        geometry: of the model that ``build_detector_model`` makes, which this one carries too.
    """
    first_output = geometry.origin + geometry.reach * geometry.stride
    return 2 * (first_output + MARGIN * geometry.stride) + 1
