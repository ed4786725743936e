"""Containers as processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.emulator.settings import Image
from tests.support.batch_rules import EXITED, RECLAIMED

STOP_TIMEOUT = 30.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Ended:
    """The end of a container.

    Attributes:
        exit_code: Exit code of its process; None without a process, or if the machine was
            reclaimed.
        status_reason: AWS Batch's reason for the status of the job.
        reason: Its reason for the status of the container.
        output: Lines of its output.
        final: Whether it is not retried, regardless of the retry rules.
    """

    exit_code: int | None
    status_reason: str
    reason: str = ""
    output: Sequence[str] = ()
    final: bool = False


class Containers:
    """Runs images.

    To reclaim a machine, kill the process: each running container has a file ``<process id>.json``
    in a folder, with the variables of its environment.
    """

    def __init__(self, images: Mapping[str, Image], running: Path) -> None:
        self._images, self._running = images, running

    def run(
        self,
        image: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout: float | None,
        stop: threading.Event,
        started: Callable[[], None],
    ) -> Ended:
        """Run an image to its end.

        Args:
            image: Address of the image.
            arguments: Arguments of its entry point.
            environment: Variables in addition to those of the image.
            timeout: Seconds after which it is killed.
            stop: Stops it when set.
            started: Called once its process runs.
        """
        if image not in self._images:
            missing = f"CannotPullContainerError: {image} not found"
            return Ended(None, "Task failed to start", missing)
        found = self._images[image]
        process = subprocess.Popen(
            [*found.command, *arguments],
            env={**found.environment, **found.resolved(environment)},
            cwd=found.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # What the container's process started ends with it.
            start_new_session=True,
        )
        with self._listed(process.pid, environment):
            started()
            output, cause = _until_the_end(process, timeout, stop)
        lines = output.splitlines()
        code = process.returncode
        if cause is not None:
            return Ended(128 - code if code < 0 else code, cause, output=lines, final=True)
        if code == -signal.SIGKILL:
            return Ended(None, RECLAIMED, output=lines)
        return Ended(128 - code if code < 0 else code, EXITED, output=lines)

    @contextmanager
    def _listed(self, process_id: int, environment: Mapping[str, str]) -> Iterator[None]:
        listed = self._running / f"{process_id}.json"
        listed.write_text(json.dumps(dict(environment)))
        try:
            yield
        finally:
            listed.unlink()


def _until_the_end(
    process: subprocess.Popen[str], timeout: float | None, stop: threading.Event
) -> tuple[str, str | None]:
    """Wait for a process; return what it wrote, and why it was ended if it was."""
    cause = None
    waited = 0.0
    while True:
        try:
            return process.communicate(timeout=0.1)[0], cause
        except subprocess.TimeoutExpired:
            waited += 0.1
        if cause is not None:
            if waited > STOP_TIMEOUT:
                os.killpg(process.pid, signal.SIGKILL)
        elif stop.is_set() or (timeout is not None and waited > timeout):
            asked = stop.is_set()
            cause = "Terminated on request" if asked else "Job attempt duration exceeded timeout"
            waited = 0.0
            process.terminate()
