"""Stands for the stack that commands find by its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facerec.cli import services
from facerec.jobs.aws import stack as described


def find_stacks_by(
    monkeypatch: pytest.MonkeyPatch, find_stack: Callable[[str], described.Stack]
) -> None:
    """Let commands find stacks by a function."""
    # The deferred module first: it keeps what it reads, also for later tests.
    monkeypatch.setattr(services.stacks, "find_stack", find_stack)
    monkeypatch.setattr(described, "find_stack", find_stack)
