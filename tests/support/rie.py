"""AWS's runtime interface emulator, which comes with the SAM CLI: functions as Lambda runs them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
INSIDE_SAM = Path("samcli") / "local" / "rapid"


def find_rie() -> Path:
    """Return the emulator, or skip the test where there is none."""
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    name = f"aws-lambda-rie-{arch}"
    environments = (Path(sys.prefix), ROOT / ".venv-sam")
    folders = [
        ROOT / ".rie" / INSIDE_SAM,
        *(
            folder
            for environment in environments
            for folder in environment.glob(f"lib/*/site-packages/{INSIDE_SAM}")
        ),
    ]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    pytest.skip(
        "the runtime interface emulator is missing: pip install --no-deps --target .rie aws-sam-cli"
    )


@dataclass(frozen=True)
class EmulatedFunction:
    """A function under the emulator; it takes one event at a time."""

    address: str

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the function returns."""
        request = urllib.request.Request(self.address, json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            returned: dict[str, Any] = json.load(answer)
        return returned


@contextmanager
def emulated_function(
    handler: str, environment: Mapping[str, str], log: Path
) -> Iterator[EmulatedFunction]:
    """Run a handler under the emulator, which starts it at the first event.

    Args:
        handler: Module and function, with a dot between them.
        environment: The function's variables.
        log: A file for what it prints.
    """
    rie = log.parent / "aws-lambda-rie"
    shutil.copy(find_rie(), rie)
    rie.chmod(0o755)
    port, api_port = _free_ports(2)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                rie,
                "--runtime-interface-emulator-address",
                f"127.0.0.1:{port}",
                "--runtime-api-address",
                f"127.0.0.1:{api_port}",
                sys.executable,
                "-m",
                "awslambdaric",
                handler,
            ],
            cwd=ROOT,
            env={**kept, "AWS_LAMBDA_FUNCTION_TIMEOUT": "60", **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait_for(port)
            path = "/2015-03-31/functions/function/invocations"
            yield EmulatedFunction(f"http://127.0.0.1:{port}{path}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
