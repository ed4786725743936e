"""Several engines as one, for as many photos at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import LifoQueue

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols import FaceEngine


class EnginePool:
    """A ``FaceEngine`` for any number of threads: each photo gets an engine that is idle.

    The engine that worked last is taken first, so that few requests keep few engines warm.
    """

    def __init__(self, engines: Sequence[FaceEngine]) -> None:
        """Take the engines, which must be of one model version."""
        self._first = engines[0]
        self._idle: LifoQueue[FaceEngine] = LifoQueue()
        for engine in reversed(engines):
            self._idle.put(engine)

    @property
    def model_version(self) -> str:
        """See ``FaceEngine``."""
        return self._first.model_version

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """See ``FaceEngine``; waits for an idle engine."""
        with self._engine() as engine:
            return engine.analyse(photos, options)

    @contextmanager
    def _engine(self) -> Iterator[FaceEngine]:
        engine = self._idle.get()
        try:
            yield engine
        finally:
            self._idle.put(engine)
