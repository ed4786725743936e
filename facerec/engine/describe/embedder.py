"""Face embeddings: 128 values for each aligned face, close to each other for the same person.

dlib calls an embedding a descriptor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import EMBEDDING_SIZE
from facerec.engine.dlib.descriptor_interface import CHIP_SIZE, INPUT_NAME, OUTPUT_NAME
from facerec.engine.dlib.models import descriptor_model
from facerec.engine.dlib.sessions import open_session

_BATCH = 8
"""Maximum number of chips in one network run. Larger batches are not faster and need more
memory."""


class Embedder:
    """Computes embeddings with dlib's face recognition network."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        self._session = open_session(descriptor_model(), threads)

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embeddings of aligned faces.

        Args:
            chips: uint8 of shape (n, 150, 150, 3), RGB, aligned by ``alignment.Aligner``.

        Returns:
            Float32 of shape (n, 128), not normalised; equal to dlib's own within 1e-5.

        Raises:
            ValueError: The chips have another type or shape.
        """
        if chips.dtype != np.uint8 or chips.shape[1:] != (CHIP_SIZE, CHIP_SIZE, 3):
            raise ValueError(
                f"chips must be uint8 of shape (n, 150, 150, 3), got {chips.dtype} {chips.shape}"
            )
        embeddings = np.empty((len(chips), EMBEDDING_SIZE), dtype=np.float32)
        for start in range(0, len(chips), _BATCH):
            batch = chips[start : start + _BATCH]
            results = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
            embeddings[start : start + _BATCH] = results[0]
        return embeddings
