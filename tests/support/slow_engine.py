"""An engine that takes its time and finds nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto


class SlowEngine:
    """A ``FaceEngine`` that looks at every photo for some seconds."""

    model_version = "slow-1"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        time.sleep(self._seconds)
        return [PhotoFaces(1, 1, (), ()) for _ in photos]
