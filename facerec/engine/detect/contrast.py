"""Contrast of dark photos, stretched so that dlib's network sees their faces."""

from __future__ import annotations

import numpy as np

from facerec.engine.detect.detection import Pixels

_DARK = 140
"""A photo is dark if 98 % of its pixels are darker than this."""

_BRIGHT = 230
"""What the brightest pixels of a dark photo become."""

_MAX_FACTOR = 4.0
"""Noise grows with the light."""

_STEP = 4
"""Every fourth pixel of every fourth row shows how dark a photo is."""


def brightened(pixels: Pixels) -> Pixels | None:
    """Return a dark photo with its contrast stretched; None if it is not dark.

    Args:
        pixels: uint8 of shape (height, width, 3), RGB.
    """
    brightest = float(np.percentile(pixels[::_STEP, ::_STEP], 98))
    if brightest >= _DARK:
        return None
    factor = min(_MAX_FACTOR, _BRIGHT / max(brightest, 1.0))
    levels = np.minimum(255, np.arange(256) * factor).astype(np.uint8)
    bright: Pixels = levels[pixels]
    return bright
