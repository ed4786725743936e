"""The model version, which is stored with every face."""

from __future__ import annotations

from facerec.core.options import Recipe
from facerec.engine.describe.recipe import VERSIONS
from facerec.engine.dlib.weights import Weights, find_weights, fingerprint

_DIGITS = 8


def model_version(recipe: Recipe = Recipe.FAST) -> str:
    """Return the version: weights, landmarks, alignment and recipe.

    The detector is not part of it: it affects which faces are found, not how they compare.

    Raises:
        WeightsError: dlib's weights are missing or cannot be used.
    """
    descriptor = fingerprint(find_weights(Weights.DESCRIPTOR))[:_DIGITS]
    landmarks = fingerprint(find_weights(Weights.LANDMARKS))[:_DIGITS]
    return f"dlib-resnet-v1:{descriptor}/5pt:{landmarks}/{VERSIONS[recipe]}"
