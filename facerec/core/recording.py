"""Keeps track of the history entry to which current changes of people belong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock

from facerec.core.history import Action, Cause

_CAUSE: ContextVar[Cause | None] = ContextVar("cause", default=None)
_CALLER: ContextVar[tuple[str | None, str | None]] = ContextVar("caller", default=(None, None))
_LAST_LOCK = Lock()
_LAST = [0.0]


def current_cause() -> Cause | None:
    """Return the cause of the current changes; None if they belong to no entry."""
    return _CAUSE.get()


@contextmanager
def caused_by(cause: Cause | None) -> Iterator[None]:
    """Record changes to people within the block as steps of an entry; None records nothing."""
    token = _CAUSE.set(cause)
    try:
        yield
    finally:
        _CAUSE.reset(token)


@contextmanager
def recording(
    action: Action, now: float, *, undoes: str | None = None, into: str | None = None
) -> Iterator[Cause]:
    """Open an entry for the changes within the block; entries opened within it are part of it.

    Args:
        action: The operation.
        now: Seconds since 1970; the entry may be slightly later, so that entries are in order.
        undoes: See ``Cause``.
        into: See ``Cause``.
    """
    known = _CAUSE.get()
    if known is not None:
        yield known
        return
    by, why = _CALLER.get()
    at = _later(now)
    time = datetime.fromtimestamp(at, UTC)
    entry_id = f"{time:%Y%m%dT%H%M%S%fZ}-{os.urandom(2).hex()}"
    cause = Cause(entry_id, action, at, by, why, undoes, into)
    with caused_by(cause):
        yield cause


@contextmanager
def requested_by(by: str | None, why: str | None) -> Iterator[None]:
    """Record who requests the changes within the block, and why."""
    token = _CALLER.set((by, why))
    try:
        yield
    finally:
        _CALLER.reset(token)


def current_caller() -> tuple[str | None, str | None]:
    """Return the requester of the current changes and the reason; None where unknown."""
    return _CALLER.get()


def _later(now: float) -> float:
    """Return ``now``, or a microsecond after the latest entry of this process if that is later.

    If the latest entry is at least a second later, the clock was set back, and ``now`` is returned.
    """
    with _LAST_LOCK:
        at = round(now, 6)
        if at <= _LAST[0] < at + 1:
            at = round(_LAST[0] + 1e-6, 6)
        _LAST[0] = at
        return at
