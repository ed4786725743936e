"""Assigns photos to the images of a collection if several photos have the same name."""

from __future__ import annotations

from collections.abc import Sequence

import dlib
import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import BoundingBox
from facerec.gallery.indexing.storing import pair_boxes, shared_area
from facerec.gallery.transfer.importing import MIN_SHARED

MARGIN = 0.1
"""Minimum shared area that an assignment must gain over every other one. Boxes of two networks
share about 0.7 of a face, so a smaller difference may be chance."""

MAX_SPREAD = 0.2
"""Maximum difference of the worst and the best fit of a name, since the same two networks drew all
boxes."""


def fit_of(there: Sequence[BoundingBox], here: Sequence[BoundingBox]) -> float:
    """Return how well the faces of an image fit the faces found in a photo, from 0 to 1.

    It is the mean shared area of its faces; faces that were not found share nothing.
    """
    pairs = pair_boxes(there, here, min_share=MIN_SHARED)
    return sum(shared_area(there[one], here[other]) for one, other in pairs) / len(there)


def assign(fits: NDArray[np.float64]) -> tuple[dict[int, int], set[int]]:
    """Assign to each image the photo that it fits best; each photo is assigned at most once.

    Args:
        fits: Fit of images (rows) to photos (columns), from 0 to 1.

    Returns:
        The column of the photo by the row of the image; and the rows of other images, for which
        several photos fit about equally.
    """
    if not fits.size:
        return {}, set()
    # If an image has no photo, a photo that does not fit is assigned to it.
    size = max(fits.shape)
    square = np.zeros((size, size))
    possible = fits >= max(MIN_SHARED, float(fits.max()) - MAX_SPREAD)
    square[: fits.shape[0], : fits.shape[1]] = np.where(possible, fits, 0.0)
    photos = _best_assignment(square)
    gains = _gains(square, photos)
    found, doubtful = {}, set()
    for image in range(fits.shape[0]):
        photo = int(photos[image])
        if square[image, photo] == 0.0:
            continue
        if gains[image] < MARGIN:
            doubtful.add(image)
        else:
            found[image] = photo
    free = sorted(set(range(fits.shape[1])) - set(found.values()))
    for image in range(fits.shape[0]):
        if image not in found and square[image, free].any():
            doubtful.add(image)
    return found, doubtful


def _best_assignment(fits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a distinct column for each row of a square matrix, with the greatest possible sum."""
    return np.array(dlib.max_cost_assignment(dlib.matrix(fits)), dtype=np.int64)


def _gains(fits: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each row, the loss in fit if the row must have another column.

    In another assignment, rows take each other's columns in a cycle. This finds the shortest cycle.
    """
    own = fits[np.arange(len(fits)), columns]
    losses = own[:, None] - fits[:, columns]
    np.fill_diagonal(losses, np.inf)
    for between in range(len(fits)):
        np.minimum(losses, losses[:, between, None] + losses[None, between], out=losses)
    gains: NDArray[np.float64] = np.diagonal(losses).copy()
    return gains
