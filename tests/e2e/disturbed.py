"""A job on the deployed stack during which a machine is taken away."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.photos import SomePhotos
from tests.e2e.stack import DeployedStack, until

CHILDREN = 2
"""Few, so that each has more than the photos of one step: else it is complete when it is killed."""

VICTIM = 1
"""The child whose first machine is reclaimed."""

COLLECTION = "people"

SLICE = 0.1
"""Seconds for which the victim works between two looks at its ledger, at least."""


@dataclass(frozen=True)
class DisturbedJob:
    """A job that has ended.

    Attributes:
        document: The input of its execution.
        execution: The ended execution, as Step Functions describes it.
        output: Output of its execution.
        report: The report in the job's folder.
        rows: Rows of its ledger.
        committed: Rows that the victim had committed when it was killed.
    """

    document: dict[str, Any]
    execution: dict[str, Any]
    output: dict[str, Any]
    report: dict[str, Any]
    rows: list[dict[str, Any]]
    committed: int


def external_id(line: int) -> str:
    """Return the name that a manifest line gives its photo."""
    return f"line:{line}"


def manifest_of(addresses: list[str]) -> bytes:
    """Return a manifest of JSON lines."""
    lines = (
        json.dumps({"image": address, "external_image_id": external_id(line)})
        for line, address in enumerate(addresses)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def put_manifest(stack: DeployedStack, photos: SomePhotos) -> str:
    """Put the photos and their manifest into the stack's bucket; return its address."""
    addresses = {
        photo: stack.put(f"photos/{number}.jpg", photo.read_bytes())
        for number, photo in enumerate(dict.fromkeys(photos.lines))
    }
    return stack.put("photos.jsonl", manifest_of([addresses[photo] for photo in photos.lines]))


def index_with_an_accident(stack: DeployedStack, photos: SomePhotos) -> DisturbedJob:
    """Index photos as an array, one of whose children loses its machine in mid-work."""
    document = {
        "collection_id": COLLECTION,
        "create_collection": True,
        "manifest": put_manifest(stack, photos),
        "images_per_child": -(-len(photos.lines) // CHILDREN),
    }
    execution = stack.start(document, "disturbed")
    committed = _kill_in_mid_work(stack, VICTIM)
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    output = json.loads(ended["output"])
    report_key = output["report"].removeprefix(f"s3://{stack.outputs['BucketName']}/")
    return DisturbedJob(
        document,
        ended,
        output,
        json.loads(stack.read(report_key)),
        stack.ledger(f"{Path(report_key).parent}/"),
        committed,
    )


def _kill_in_mid_work(stack: DeployedStack, child: int) -> int:
    """Kill a child once a part of its ledger stands; return how many rows that has."""
    process = until(lambda: _process_of(stack, child), stack.progress)
    while True:
        started = time.monotonic()
        parts = _ledger_parts(stack, child)
        if parts:
            break
        # In slices, so that it is not done before anybody looks. On a slow machine looking takes
        # long, and so does its work.
        looked = time.monotonic() - started
        os.killpg(process, signal.SIGCONT)
        time.sleep(max(SLICE, looked))
        os.killpg(process, signal.SIGSTOP)
    os.killpg(process, signal.SIGKILL)
    return sum(len(stack.read(part).splitlines()) - 1 for part in parts)


def _process_of(stack: DeployedStack, child: int) -> int | None:
    for process, environment in stack.emulator.containers().items():
        if environment["AWS_BATCH_JOB_ARRAY_INDEX"] == str(child):
            return process
    return None


def _ledger_parts(stack: DeployedStack, child: int) -> list[str]:
    return [key for key in stack.keys("jobs/") if f"/ledger/{child:07d}/" in key]
