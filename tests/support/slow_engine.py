"""An engine that takes its time and finds nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto

ANALYSING = "analysing photos"


def wait_until_analysing(process: subprocess.Popen[str]) -> None:
    """Wait until the engine of a process has a photo."""
    assert process.stderr is not None
    while (line := process.stderr.readline()).strip() != ANALYSING:
        assert line, "the process has ended"


class SlowEngine:
    """A ``FaceEngine`` that looks at every photo for some seconds."""

    model_version = "slow-1"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        sys.stderr.write(f"{ANALYSING}\n")
        sys.stderr.flush()
        time.sleep(self._seconds)
        return [PhotoFaces(1, 1, (), ()) for _ in photos]
