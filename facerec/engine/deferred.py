"""An engine, and networks for attributes, that are opened at their first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.attributes import FaceAttributes
    from facerec.core.faces import CohortStats
    from facerec.core.options import FaceOptions
    from facerec.core.photos import DetectedFace, PhotoFaces, UnreadablePhoto
    from facerec.core.protocols.engine import AttributeEstimator, FaceEngine


class DeferredEngine:
    """An engine whose modules are imported at its first use; implements ``FaceEngine``.

    Commands that list or delete need no engine, and start in less time without its imports.
    """

    def __init__(
        self, open_engine: Callable[[], FaceEngine], read_model_version: Callable[[], str]
    ) -> None:
        """Create an engine that is not opened yet.

        Args:
            open_engine: Opens the engine.
            read_model_version: Returns the model version of the engine without opening it.
        """
        self._open_engine = open_engine
        self._read_model_version = read_model_version

    @cached_property
    def model_version(self) -> str:
        """See ``FaceEngine``."""
        return self._read_model_version()

    @property
    def cohort_version(self) -> str:
        """See ``FaceEngine``."""
        return self._engine.cohort_version

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """See ``FaceEngine``."""
        return self._engine.cohort_stats(embeddings)

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """See ``FaceEngine``."""
        return self._engine.analyse(photos, options)

    @cached_property
    def _engine(self) -> FaceEngine:
        return self._open_engine()


class DeferredAttributes:
    """Networks whose modules are imported at their first use; implements ``AttributeEstimator``."""

    def __init__(self, open_networks: Callable[[], AttributeEstimator]) -> None:
        self._open_networks = open_networks

    @property
    def is_installed(self) -> bool:
        """See ``AttributeEstimator``."""
        return self._networks.is_installed

    def estimate(
        self, photo: bytes, faces: Sequence[DetectedFace], options: FaceOptions
    ) -> list[FaceAttributes]:
        """See ``AttributeEstimator``."""
        return self._networks.estimate(photo, faces, options)

    @cached_property
    def _networks(self) -> AttributeEstimator:
        return self._open_networks()
