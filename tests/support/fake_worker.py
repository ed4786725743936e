"""What worker processes of local jobs import, so that each starts as fast as a real one."""

from __future__ import annotations

from pathlib import Path

from facerec.jobs.child.attempt import ChildDependencies
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine


def fake_worker(data: Path, policy: AccessPolicy | None, model_version: str) -> ChildDependencies:
    """Build the dependencies of a worker process with the fake engine."""
    store = SqliteStore(data / "facerec.db")
    return ChildDependencies(FakeEngine(model_version), store, store, Objects(policy))
