"""dlib's face detection network for a single crop instead of a whole photo."""

from __future__ import annotations

from facerec.engine.dlib.detector_interface import DetectorGeometry

MARGIN = 1
"""Number of outputs scored in each direction from a crop's centre, in steps of 8 pixels (window:
80)."""


def build_crop_model(weights: bytes) -> bytes:
    """Convert ``mmod_human_face_detector.dat`` to a model for crops of a photo.

    The model computes the same scores as that of ``build_detector_model``, but only those that do
    not depend on anything outside the input. Without padding its layers shrink one by one, which
    saves a third of the work on a crop.

    Args:
        weights: Content of the file.

    Raises:
        DlibFormatError: The content is not that network.
    """
    # Imported late: a model is converted once, and cached.
    from facerec.engine.dlib.detector_network import build_detector_model

    return build_detector_model(weights, padded=False)


def crop_side(geometry: DetectorGeometry) -> int:
    """Return the side in pixels of a crop, for a model that scores its centre and ``MARGIN``.

    Args:
        geometry: Geometry of the detector model, which the crop model shares.
    """
    first_output = geometry.origin + geometry.reach * geometry.stride
    return 2 * (first_output + MARGIN * geometry.stride) + 1
