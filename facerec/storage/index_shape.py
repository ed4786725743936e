"""The dimension and the metric that an index needs to store embeddings."""

from __future__ import annotations

from facerec.core.faces import EMBEDDING_SIZE, METRIC


def index_misfit(dimension: int | None, metric: str | None) -> str | None:
    """Return how an index differs from what embeddings need, as ``has dimension 64, not 128``.

    Some servers return only one of the two; None is not compared.

    Returns:
        None if the index fits.
    """
    if dimension not in (None, EMBEDDING_SIZE):
        return f"has dimension {dimension}, not {EMBEDDING_SIZE}"
    if metric not in (None, METRIC):
        return f"has metric {metric}, not {METRIC}"
    return None
