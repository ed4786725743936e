"""A ``FaceEngine`` that analyses photos in parallel with several engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import LifoQueue

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols.engine import FaceEngine


class EnginePool:
    """A ``FaceEngine`` that any number of threads may call; each call gets an idle engine.

    The most recently released engine is used first, so under low traffic few engines are used.
    """

    def __init__(self, engines: Sequence[FaceEngine]) -> None:
        """Create a pool of engines, which must all have the same model version."""
        self._first = engines[0]
        self._idle: LifoQueue[FaceEngine] = LifoQueue()
        for engine in reversed(engines):
            self._idle.put(engine)

    @property
    def model_version(self) -> str:
        """See ``FaceEngine``."""
        return self._first.model_version

    @property
    def cohort_version(self) -> str:
        """See ``FaceEngine``."""
        return self._first.cohort_version

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """See ``FaceEngine``; needs no idle engine."""
        return self._first.cohort_stats(embeddings)

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """See ``FaceEngine``; waits until an engine is idle."""
        with self._borrow() as engine:
            return engine.analyse(photos, options)

    @contextmanager
    def _borrow(self) -> Iterator[FaceEngine]:
        engine = self._idle.get()
        try:
            yield engine
        finally:
            self._idle.put(engine)
