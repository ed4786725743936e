"""The emulator, and the stack that is deployed to it by the SAM CLI."""

from __future__ import annotations

import json
import os
import shutil
import signal
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

from tests.e2e.images import API_IMAGE, BATCH_IMAGE
from tests.e2e.machine import (
    CREDENTIALS,
    EMULATOR_PYTHON,
    ROOT,
    SAM,
    free_port,
)
from tests.support.rie import find_rie

STACK = "facerec-e2e"

VCPUS = 2

START = 300.0
"""Seconds that the start of the emulator may take."""

PINECONE_HOST = "faces-e2e.svc.pinecone.example"
"""Host of the index, which containers reach on this machine. The plan function does not, and sends
no request to anybody else: no name of this domain exists (RFC 2606)."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    Attributes:
        endpoint: Where it answers.
        running: A folder with a file for each running container.
        vectors: Where what stands for Amazon S3 Vectors answers.
    """

    endpoint: str
    running: Path
    vectors: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that takes the emulator for AWS."""
        return {
            **os.environ,
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3VECTORS": self.vectors,
        }

    def containers(self) -> dict[int, dict[str, str]]:
        """Return the environments of the running containers, by process."""
        found = {}
        for file in self.running.glob("*.json"):
            try:
                found[int(file.stem)] = json.loads(file.read_text())
            except (FileNotFoundError, ValueError):
                # It has just ended, or is just starting.
                continue
        return found


class CommandError(Exception):
    """A command failed; the message is its output."""


@contextmanager
def running_emulator(folder: Path, images: Mapping[str, Any], vectors: str) -> Iterator[Emulator]:
    """Run the emulator; at the end it goes, and with it all that it has started."""
    running = folder / "running"
    running.mkdir()
    described = folder / "images.json"
    described.write_text(json.dumps(images))
    port = free_port()
    emulator = Emulator(f"http://127.0.0.1:{port}", running, vectors)
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [EMULATOR_PYTHON, "-m", "tests.e2e.emulator"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": str(folder),
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "IOT_MTLS_ENABLED": "0",
                "EMULATOR_IMAGES": str(described),
                "EMULATOR_RUNNING": str(running),
                "EMULATOR_VCPUS": str(VCPUS),
                "EMULATOR_S3VECTORS": vectors,
                "EMULATOR_RIE": str(_runtime_interface_emulator(folder)),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, emulator.endpoint, folder / "emulator.log")
        yield emulator
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


IMAGE_FUNCTIONS = ("ApiFunction", "ErasureFunction", "EventsFunction")
"""Functions that run the image of the API, each with a command of its own."""


def build(emulator: Emulator, folder: Path) -> None:
    """Build the project's own template with the SAM CLI.

    The image of some functions is the one thing that the SAM CLI does not build, since that takes a
    container engine: its address is put where ``sam build`` would put it.
    """
    built = folder / "build"
    excluded = [word for name in IMAGE_FUNCTIONS for word in ("--exclude", name)]
    _run(emulator, "sam", "build", *excluded, "--build-dir", str(built))
    template = built / "template.yaml"
    text = template.read_text("utf-8")
    image = "PackageType: Image\n"
    assert text.count(image) == len(IMAGE_FUNCTIONS)
    template.write_text(text.replace(image, f"{image}      ImageUri: {API_IMAGE}\n"))


def deploy(
    emulator: Emulator, folder: Path, parameters: Mapping[str, str], stack: str = STACK
) -> None:
    """Deploy what was built, as ``make deploy`` does."""
    _run(
        emulator,
        "sam",
        "deploy",
        *("--template-file", str(folder / "build" / "template.yaml")),
        *("--stack-name", stack),
        *("--config-file", str(ROOT / "samconfig.toml")),
        "--no-confirm-changeset",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
    )
    _run(emulator, str(ROOT / "deploy" / "finish.sh"), stack)


def tear_down(emulator: Emulator, stack: str = STACK) -> None:
    """Delete a stack as ``make teardown`` does."""
    _run(emulator, str(ROOT / "deploy" / "teardown.sh"), "--yes", stack)


def pinecone_parameters(secret_arn: str, index_name: str) -> dict[str, str]:
    """Return the parameters of a stack that stores vectors in Pinecone."""
    return {
        "BatchImageUri": BATCH_IMAGE,
        "VectorStore": "pinecone",
        "PineconeSecretArn": secret_arn,
        "PineconeIndexName": index_name,
        "PineconeIndexHost": PINECONE_HOST,
    }


def _run(emulator: Emulator, *command: str) -> None:
    tools = f"{SAM.parent}:{Path(sys.executable).parent}"
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **emulator.environment,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise CommandError(done.stdout)


def _runtime_interface_emulator(folder: Path) -> Path:
    copied = folder / "aws-lambda-rie"
    shutil.copy(find_rie(), copied)
    copied.chmod(0o755)
    return copied


def _await(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START
    while True:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            ended = process.poll() is not None
            assert not ended and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
