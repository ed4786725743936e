"""Scores places of a photo again, at the size of faces that the proposal network knows best."""

from __future__ import annotations

import numpy as np
from PIL import Image

from facerec.engine.detect.detection import Pixels
from facerec.engine.detect.proposals import GREEN, Proposal, ProposalNetwork

TILE = 112
"""Side of a tile in pixels."""

_FACE_IN_TILE = 44
"""Side that a place has in its tile: in the middle of the sizes that the network knows."""

_BACKGROUND = 117
"""Grey outside the photo, the mean of the network's input."""

_REACH = _FACE_IN_TILE / 2
"""Maximum distance of a face from the middle of its tile along each side, in pixels."""

_MAX_RATIO = 2.0
"""Maximum ratio of the side of a face to the side of the proposal that was cut out."""


def cut_out(pixels: Pixels, proposal: Proposal) -> Image.Image:
    """Return a proposal with its surroundings in greyscale, upright, at a fixed size."""
    extent = max(1, round(proposal.side * TILE / _FACE_IN_TILE))
    left, top = round(proposal.x - extent / 2), round(proposal.y - extent / 2)
    rows = slice(max(0, top), max(0, top + extent))
    columns = slice(max(0, left), max(0, left + extent))
    tile = Image.new("L", (extent, extent), _BACKGROUND)
    inside = Image.fromarray(np.ascontiguousarray(pixels[rows, columns, GREEN]))
    tile.paste(inside, (max(0, -left), max(0, -top)))
    return tile.resize((TILE, TILE), Image.Resampling.BILINEAR)


def score_again(network: ProposalNetwork, pixels: Pixels, proposal: Proposal) -> float:
    """Return the network's score of a proposal that is searched alone, at its best size.

    Args:
        network: The network that proposed it.
        pixels: uint8 of shape (height, width, 3), RGB.
        proposal: Where a face may be in these pixels.

    Returns:
        The logit, or minus infinity if nothing resembles a face.
    """
    x, y, side, score = network.search_level(cut_out(pixels, proposal)).T
    far = np.maximum(np.abs(x - TILE / 2), np.abs(y - TILE / 2)) > _REACH
    far |= np.maximum(side / _FACE_IN_TILE, _FACE_IN_TILE / side) > _MAX_RATIO
    return float(score[~far].max(initial=-np.inf))
