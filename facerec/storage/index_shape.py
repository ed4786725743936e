"""The dimension and the metric that an index needs to store embeddings."""

from __future__ import annotations

from facerec.core.faces import EMBEDDING_SIZE, METRIC


def index_misfit(dimension: int | None, metric: str | None) -> str | None:
    """Return how the shape of an index differs from the shape that embeddings need.

    The text is a predicate, such as ``has dimension 64, not 128``. Some servers return only one of
    the two values; None is not compared.

    Returns:
        None if the index fits.
    """
    if dimension not in (None, EMBEDDING_SIZE):
        return f"has dimension {dimension}, not {EMBEDDING_SIZE}"
    if metric not in (None, METRIC):
        return f"has metric {metric}, not {METRIC}"
    return None
