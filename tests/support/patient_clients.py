"""Clients of httpx that wait for the answer of a busy machine."""

from __future__ import annotations

import inspect

import httpx

SECONDS = 60.0
"""Longer than any request of a test takes while other tests use the processors."""


def wait_for_answers() -> None:
    """Let clients of this process wait longer than the 5 seconds of httpx's default.

    A test that has a limit of its own keeps it.
    """
    default = inspect.signature(httpx.get).parameters["timeout"].default
    assert isinstance(default, httpx.Timeout)
    for phase in ("connect", "read", "write", "pool"):
        setattr(default, phase, SECONDS)
