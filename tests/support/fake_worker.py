"""What worker processes of local jobs import, so that each starts as fast as a real one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.jobs.child.attempt import ChildDependencies
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine


def fake_worker(data: Path, policy: AccessPolicy | None, model_version: str) -> ChildDependencies:
    """Build the dependencies of a worker process with the fake engine."""
    store = SqliteStore(data / "facerec.db")
    return ChildDependencies(FakeEngine(model_version), store, store, Objects(policy), store)


class SlowEngine(FakeEngine):
    """Takes ``seconds`` per photo."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        time.sleep(self.seconds * len(photos))
        return super().analyse(photos, options)


def slow_worker(data: Path, policy: AccessPolicy | None, _model_version: str) -> ChildDependencies:
    """Build the same with an engine slow enough to interrupt a job between two of its steps."""
    store = SqliteStore(data / "facerec.db")
    return ChildDependencies(SlowEngine(0.01), store, store, Objects(policy))
