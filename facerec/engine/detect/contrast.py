"""Stretches the contrast of dark photos, so that dlib's network detects their faces."""

from __future__ import annotations

import numpy as np

from facerec.engine.detect.detection import Pixels

_DARK = 140
"""A photo is dark if 98 % of its values are below this."""

_BRIGHT_SHARE = 0.02
"""The remaining 2 %. Counting these values takes a tenth of the time of computing a percentile."""

_BRIGHT = 230
"""New value of the brightest pixels of a dark photo."""

_MAX_FACTOR = 4.0
"""Maximum factor of brightening: noise grows with the light."""

_STEP = 8
"""Step between the pixels, and between the rows, that are checked for darkness."""


def brightened(pixels: Pixels) -> Pixels | None:
    """Return a dark photo with its contrast stretched; None if it is not dark.

    Args:
        pixels: uint8 of shape (height, width, 3), RGB.
    """
    sample = pixels[::_STEP, ::_STEP]
    if np.count_nonzero(sample >= _DARK) >= _BRIGHT_SHARE * sample.size:
        return None
    brightest = float(np.percentile(sample, 100 * (1 - _BRIGHT_SHARE)))
    factor = min(_MAX_FACTOR, _BRIGHT / max(brightest, 1.0))
    levels = np.minimum(255, np.arange(256) * factor).astype(np.uint8)
    bright: Pixels = levels[pixels]
    return bright
