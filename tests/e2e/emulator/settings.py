"""Settings of the emulator from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Image:
    """A container image, as far as a process on this machine can be one.

    Attributes:
        command: Its entry point.
        environment: What it sets, and what its network would resolve; nothing else is passed on.
        folder: Its working directory.
        architecture: The architecture that it is built for, as its configuration names it.
        labels: Its labels.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    architecture: str
    labels: Mapping[str, str]

    def resolved(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a container, with hosts where they are on this machine."""
        return {name: self.environment.get(value, value) for name, value in environment.items()}


@dataclass(frozen=True)
class Settings:
    """Settings of the emulator.

    Attributes:
        images: EMULATOR_IMAGES, a JSON file: by their addresses.
        running: EMULATOR_RUNNING, a folder that has a file for each running container.
        vcpus: EMULATOR_VCPUS, how many all jobs together may use at a time.
    """

    images: Mapping[str, Image]
    running: Path
    vcpus: int


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings."""
    described = json.loads(Path(environment["EMULATOR_IMAGES"]).read_text("utf-8"))
    aws = {"AWS_ENDPOINT_URL": endpoint(environment)}
    images = {
        address: Image(
            tuple(image["command"]),
            {**image["environment"], **aws},
            Path(image["folder"]),
            image["architecture"],
            image["labels"],
        )
        for address, image in described.items()
    }
    running = Path(environment["EMULATOR_RUNNING"])
    return Settings(images, running, int(environment["EMULATOR_VCPUS"]))


def endpoint(environment: Mapping[str, str]) -> str:
    """Return where the emulator itself answers."""
    return f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
