"""Functions that are container images, run by AWS's own runtime interface emulator.

The emulator replaces Lambda and offers its runtime interface to ``awslambdaric`` in the entry
point of the image: https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import ministack.services.lambda_svc as ministack_functions

from tests.e2e.emulator.settings import Image

PATIENCE = 300.0
"""Timeout for the start of a function, and for an answer after its own timeout, in seconds."""

SLOWNESS = 10
"""Factor of the timeouts of functions: a busy machine is slower than Lambda."""


def install(images: Mapping[str, Image]) -> None:
    """Replace ministack's use of a container engine."""
    running: dict[str, _Function] = {}
    lock = threading.Lock()

    def execute(described: Any, event: Any, _request_id: str) -> dict[str, Any]:
        configuration = described.get("config") or described
        name = configuration["FunctionName"]
        with lock:
            function = running.get(name)
            if function is None or function.configuration != _settings(configuration):
                # Changes take effect in new execution environments.
                if function is not None:
                    function.end()
                function = _Function(configuration, images[configuration["ImageUri"]])
                running[name] = function
        return function.invoke(event)

    ministack_functions._execute_function_docker = execute


def _settings(configuration: Any) -> str:
    names = ("Environment", "ImageUri", "MemorySize", "Timeout")
    return json.dumps({name: configuration.get(name) for name in names}, sort_keys=True)


class _Function:
    """One execution environment of a function, kept as long as its configuration stays.

    Attributes:
        configuration: What it was started with.
    """

    def __init__(self, configuration: Any, image: Image) -> None:
        self.configuration = _settings(configuration)
        # Two requests at once make the runtime interface emulator panic.
        self._lock = threading.Lock()
        self._address = f"127.0.0.1:{_free_port()}"
        self._timeout = SLOWNESS * int(configuration["Timeout"])
        variables = (configuration.get("Environment") or {}).get("Variables") or {}
        self._process = subprocess.Popen(
            [
                os.environ["EMULATOR_RIE"],
                "--runtime-interface-emulator-address",
                self._address,
                "--runtime-api-address",
                f"127.0.0.1:{_free_port()}",
                *_command(configuration, image),
            ],
            env={
                **image.environment,
                **image.resolved(variables),
                "AWS_LAMBDA_FUNCTION_NAME": configuration["FunctionName"],
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._timeout),
            },
            cwd=image.folder,
        )

    def end(self) -> None:
        """End the environment once it is idle."""
        with self._lock:
            self._process.kill()
            self._process.wait()

    def invoke(self, event: Any) -> dict[str, Any]:
        with self._lock:
            body = json.loads(self._answer(json.dumps(event).encode()))
        failed = isinstance(body, dict) and "errorType" in body and "errorMessage" in body
        return {"body": body, "error": failed, "log": ""}

    def _answer(self, event: bytes) -> bytes:
        address = f"http://{self._address}/2015-03-31/functions/function/invocations"
        deadline, timeout = time.monotonic() + PATIENCE, self._timeout + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(address, event, timeout=timeout) as answer:
                    content: bytes = answer.read()
                    return content
            except urllib.error.HTTPError as error:
                return error.read()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _command(configuration: Any, image: Image) -> tuple[str, ...]:
    """Return the command of an image, its last word replaced if a function has another handler."""
    answered = configuration.get("ImageConfigResponse") or {}
    given = (answered.get("ImageConfig") or configuration.get("ImageConfig") or {}).get("Command")
    return (*image.command[:-1], *given) if given else tuple(image.command)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
