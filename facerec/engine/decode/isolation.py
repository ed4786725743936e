"""Decodes photos in a separate process with limits of time and memory.

Some decoders turn a whole file into pixels in one call of a C library. Such a call cannot be
interrupted, and a crash in it ends the process. So it runs in a child process, whose resources the
operating system limits. A photo that exceeds the limits is rejected. A child process takes 0.2
seconds to start, so it decodes further photos until it ends.
"""

from __future__ import annotations

import atexit
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

import numpy as np

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.in_process import decode_in_process
from facerec.engine.decode.limits import MAX_MEMORY, MAX_SECONDS, TIMED_OUT
from facerec.engine.decode.messages import read_message, write_message
from facerec.engine.decode.photo import DecodedPhoto, DecodeOptions

Outcome = DecodedPhoto | UnreadablePhoto

_SERVE = """
import sys
sys.path[:] = sys.argv[1:]
from facerec.engine.decode.isolation import serve
serve(sys.stdin.buffer, sys.stdout.buffer)
"""
"""Program of a decoder process, which uses the same import path as this process."""

_ATTEMPTS = 2
"""Maximum number of attempts at a photo: a process may be killed by chance, for example when memory
is short."""


class DecoderProcess:
    """A process that decodes one photo at a time.

    Messages that C libraries print about broken files are discarded.
    """

    def __init__(self, code: str = _SERVE) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def decode(self, content: bytes, options: DecodeOptions) -> Outcome:
        """Decode a photo; returns the result of ``decode_in_process``.

        Raises:
            DecoderEndedError: The process ended before it answered, and can no longer be used.
        """
        try:
            write_message(self._requests, asdict(options), content)
            answer = read_message(self._answers)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise DecoderEndedError(self._process.wait())
        fields, payload = answer
        if "reason" in fields:
            return UnreadablePhoto(UnreadableReason(fields["reason"]), fields["detail"])
        shape = fields.pop("shape")
        return DecodedPhoto(np.frombuffer(payload, np.uint8).reshape(shape), **fields)

    def close(self, *, kill: bool = False) -> None:
        """End the process by closing its input.

        Args:
            kill: Whether to end the process even while it decodes a photo.
        """
        if kill:
            self._process.kill()
        with suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        self._process.wait()


class DecoderEndedError(Exception):
    """A decoder process ended before it answered.

    Attributes:
        timed_out: Whether it exceeded its limit of processor time.
    """

    def __init__(self, return_code: int) -> None:
        super().__init__(return_code)
        self.timed_out = return_code == -signal.SIGXCPU


class DecoderProcesses:
    """Decoder processes shared by threads: one for each photo that is being decoded."""

    def __init__(self, start: Callable[[], DecoderProcess] = DecoderProcess) -> None:
        self._start = start
        self._idle: list[DecoderProcess] = []
        self._lock = threading.Lock()

    def decode(self, content: bytes, options: DecodeOptions) -> Outcome:
        """Decode a photo in an idle process, or in a new one.

        A photo that takes too long, or ends ``_ATTEMPTS`` processes, is unreadable.
        """
        for _ in range(_ATTEMPTS):
            process = self._take()
            try:
                outcome = process.decode(content, options)
            except DecoderEndedError as error:
                process.close()
                if error.timed_out:
                    return TIMED_OUT
                continue
            except BaseException:
                # Otherwise the next request would read the answer for this photo.
                process.close(kill=True)
                raise
            with self._lock:
                self._idle.append(process)
            return outcome
        return UnreadablePhoto(UnreadableReason.CRASHED, "the photo crashes the decoder")

    def close(self) -> None:
        """End all idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def forget(self) -> None:
        """Drop the processes after a fork: they belong to the parent process."""
        self._idle = []
        self._lock = threading.Lock()

    def _take(self) -> DecoderProcess:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._start()


_PROCESSES = DecoderProcesses()
atexit.register(_PROCESSES.close)
os.register_at_fork(after_in_child=_PROCESSES.forget)


def decode_isolated(content: bytes, options: DecodeOptions) -> Outcome:
    """Decode a photo in a separate process.

    A photo is unreadable if it takes more than ``MAX_SECONDS`` or ``MAX_MEMORY``, or if it crashes
    the decoder.
    """
    return _PROCESSES.decode(content, options)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Main function of a decoder process: decode photos until there are no more requests."""
    # Signals are left to the parent process, which decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory()
    while (request := read_message(requests)) is not None:
        fields, content = request
        _limit_time()
        outcome = decode_in_process(bytes(content), DecodeOptions(**fields))
        if isinstance(outcome, UnreadablePhoto):
            write_message(answers, asdict(outcome), b"")
            continue
        described = {
            "shape": outcome.pixels.shape,
            "width": outcome.width,
            "height": outcome.height,
            "scale": outcome.scale,
            "is_preview": outcome.is_preview,
            "has_orientation": outcome.has_orientation,
            "is_animated": outcome.is_animated,
        }
        write_message(answers, described, outcome.pixels.data)


def _limit_time() -> None:
    """Limit the next photo to ``MAX_SECONDS``; the kernel then ends the process by SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + MAX_SECONDS + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        end = min(end, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (end, hard))


def _limit_memory() -> None:
    """Make allocations beyond ``MAX_MEMORY`` fail, which Pillow reports as a ``MemoryError``."""
    with suppress(OSError, ValueError):  # not all systems support this limit
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + MAX_MEMORY, hard))


def _data_bytes() -> int:
    """Return the bytes that this process has allocated so far, or 0 if unknown."""
    with suppress(OSError):
        fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
        return int(fields[5]) * resource.getpagesize()
    return 0
