"""Writes the bill of materials of what facerec ships: ``python -m tools.sbom [FILE]``.

It is a CycloneDX document (https://cyclonedx.org/docs/1.6/json/) of every package that the
requirements pin, with its hashes and its licence as the installed package states it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

SHIPPED = (
    "requirements/runtime.txt",
    "requirements/attributes.txt",
    "batch_job/requirements.txt",
    "batch_job/weights.txt",
    "lambdas/requirements.txt",
    "lambdas/api/requirements.txt",
)
"""Pins of the package, of the images and of the functions."""

_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CLASSIFIER = "License :: OSI Approved :: "
_MAX_LICENCE = 100


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned package with the hashes of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


def pins(text: str) -> Iterator[Pin]:
    """Yield the packages that a file of requirements pins."""
    for block in re.split(r"\n(?=\S)", text):
        if found := _PIN.match(block):
            yield Pin(found[1], found[2], tuple(_HASH.findall(block)))


def shipped() -> dict[str, Pin]:
    """Return all packages that are shipped, by name and version."""
    return {
        f"{pin.name}@{pin.version}": pin
        for path in SHIPPED
        for pin in pins((ROOT / path).read_text("utf-8"))
    }


def licence(name: str) -> str | None:
    """Return the licence that an installed package states; None if it is not installed."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return None
    classifiers = [each for each in stated.get_all("Classifier", []) if _CLASSIFIER in each]
    named = " AND ".join(each.removeprefix(_CLASSIFIER) for each in classifiers)
    text = (stated.get("License") or "").strip()
    short = text if len(text) <= _MAX_LICENCE and "\n" not in text else ""
    return stated.get("License-Expression") or named or short or None


def bill_of_materials() -> dict[str, Any]:
    """Return the CycloneDX document; packages that are not installed have no licence."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "facerec", "version": version("facerec")}
        },
        "components": [_component(pin) for _, pin in sorted(shipped().items())],
    }


def _component(pin: Pin) -> dict[str, Any]:
    stated = licence(pin.name)
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{pin.name}@{pin.version}",
        "purl": f"pkg:pypi/{pin.name}@{pin.version}",
        "name": pin.name,
        "version": pin.version,
        "licenses": [] if stated is None else [{"license": {"name": stated}}],
        # One for each file that may be installed: of every system and version of Python.
        "properties": [{"name": "sha256", "value": each} for each in pin.hashes],
    }


def main() -> None:
    """Write the document to a file, or to the output."""
    text = json.dumps(bill_of_materials(), indent=1) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, "utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
