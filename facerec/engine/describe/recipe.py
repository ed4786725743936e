"""The views of a face from which each recipe computes its embedding."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.core.options import Recipe


@dataclass(frozen=True, slots=True)
class View:
    """One chip of a face that is embedded.

    Attributes:
        padding: The margin around the face as a share of its size.
        mirrored: Whether the chip is flipped from left to right.
    """

    padding: float
    mirrored: bool = False


VIEWS = {
    Recipe.FAST: (View(0.25),),
    Recipe.ACCURATE: (View(0.22), View(0.22, mirrored=True), View(0.28), View(0.28, mirrored=True)),
}
"""The views of each recipe, chosen from the measurements in ``docs/accuracy.md``.

The network was trained with a padding of 0.25.
"""

VERSIONS = {Recipe.FAST: "pad0.25/single", Recipe.ACCURATE: "pad0.22+0.28/mirrored"}
"""Suffix of the model version for each recipe: embeddings of different recipes cannot be
compared."""
