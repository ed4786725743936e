"""Non-maximum suppression: one box for each face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def suppress_overlaps(
    boxes: NDArray[np.float64], scores: NDArray[np.floating[Any]], overlap: float, cover: float
) -> list[int]:
    """Return the indices of the boxes to keep, best score first.

    This follows dlib's ``loss_mmod_::to_label`` and ``test_box_overlap``. A box is dropped if its
    intersection with a kept box of a better score exceeds a share of the smallest box around both,
    or a share of either of the two.

    Args:
        boxes: Left, top, width and height, of shape (n, 4).
        scores: Scores of the boxes, of shape (n,).
        overlap: Share of the box around both, 0 to 1.
        cover: Share of either box, 0 to 1.
    """
    edges = _whole_pixels(boxes)
    remaining = np.argsort(-scores, kind="stable")
    kept = []
    while remaining.size:
        best, remaining = remaining[0], remaining[1:]
        kept.append(int(best))
        same = _overlapping(edges[best], edges[remaining], overlap, cover)
        remaining = remaining[~same]
    return kept


def _whole_pixels(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return left, top, right and bottom of boxes in whole pixels, rounded as in dlib."""
    first = boxes[:, :2]
    last = first + boxes[:, 2:] - 1
    rounded_first, rounded_last = (
        np.copysign(np.floor(np.abs(corner) + 0.5), corner) for corner in (first, last)
    )
    return np.concatenate([rounded_first, rounded_last + 1], axis=1)


def _overlapping(
    box: NDArray[np.float64], others: NDArray[np.float64], overlap: float, cover: float
) -> NDArray[np.bool_]:
    inner = np.concatenate(
        [np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])], axis=1
    )
    outer = np.concatenate(
        [np.minimum(box[:2], others[:, :2]), np.maximum(box[2:], others[:, 2:])], axis=1
    )
    shared = _area(inner)
    covered = (shared > cover * _area(box)) | (shared > cover * _area(others))
    return (shared > 0) & ((shared > overlap * _area(outer)) | covered)


def _area(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    extent = np.maximum(edges[..., 2:] - edges[..., :2], 0)
    return extent[..., 0] * extent[..., 1]
