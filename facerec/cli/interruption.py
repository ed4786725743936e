"""Ctrl-C and SIGTERM end a command in the same way: with one line and one exit code."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from facerec.cli.exit_codes import ExitCode

HOOK_SECONDS = 0.05
"""Seconds after which Python has surely left its hook for exceptions that cannot be raised."""

THREADS_SECONDS = 10.0
"""Maximum seconds to wait for the threads of an interrupted command."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt the block as Ctrl-C does; after the block, both end the process.

    After the block, the command is complete, and Python only waits for its threads. A signal that
    the caller of the process ignores stays ignored. Python waits ``THREADS_SECONDS`` for the
    threads of an interrupted command, which may wait for a file system that does not answer.
    """
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if signal.SIGTERM in handled:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.unraisablehook = _interrupt_again
    try:
        yield
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else ExitCode.ERROR * bool(end.code)
        for number in handled:
            signal.signal(number, lambda *_: _end(code))
        if code == ExitCode.INTERRUPTED:
            end_anyway = threading.Timer(THREADS_SECONDS, _end, (code,))
            end_anyway.daemon = True
            end_anyway.start()
        raise


def _end(code: int) -> None:
    """End the process at once, after its output has been flushed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Repeat an interruption that arrived while Python destroyed an object, and would be lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _thread.start_new_thread(_interrupt_soon, ())
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_soon() -> None:
    # An interruption of the hook itself would be lost too.
    time.sleep(HOOK_SECONDS)
    _thread.interrupt_main()
