"""Time the plan of a manifest of 100 GB and 10^9 lines, as the Lambda function writes it.

    python -m benchmarks.plan [--lines 1000000000] [--json FILE]

The object store is a fake: it serves HEAD and byte ranges of a manifest that is computed from line
numbers, and counts requests. Everything that the function does except the network is timed:
checking the input, sampling, planning, and the state that it returns to the state machine.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.support.results import arguments, finish, show
from facerec.config import Settings
from facerec.jobs.plan import plan_uri
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.sqlite import SqliteStore
from lambdas.plan.handler import plan_execution

LINE = 100
"""Length of a line in bytes, including its end."""

STATE_LIMIT = 32 * 1024
"""Limit of the state in bytes; that of Step Functions is eight times as high."""

SECONDS_LIMIT = 2.0


class EndlessManifest(LocalObjects):
    """Serves a computed manifest; everything else is stored in a folder.

    Attributes:
        heads: Number of HEAD requests.
        read_bytes: Number of bytes read of the manifest.
    """

    def __init__(self, lines: int, folder: Path) -> None:
        super().__init__()
        self._size, self._folder = lines * LINE, folder
        self.heads = self.read_bytes = 0

    def head(self, uri: str) -> ObjectInfo:
        """Serve HEAD."""
        if not uri.endswith("all.jsonl"):
            return super().head(self._local(uri))
        self.heads += 1
        return ObjectInfo(uri, self._size, '"etag"')

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401 - as in the protocol
        """Serve a byte range."""
        if not uri.endswith("all.jsonl"):
            return super().read(self._local(uri), **options)
        start = options.get("start", 0)
        end = min(options.get("end") or self._size, self._size)
        first, last = start // LINE, -(-end // LINE)
        text = b"".join(_line(number) for number in range(first, last))
        self.read_bytes += end - start
        return text[start - first * LINE :][: end - start]

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Store an object."""
        return super().write(self._local(uri), content, if_absent=if_absent)

    def _local(self, uri: str) -> str:
        return f"{self._folder}/{uri.removeprefix('s3://')}"


def main() -> None:
    """Run the benchmark, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(options.lines, Path(folder))
    show("plan", [{"figure": name, "value": value} for name, value in results.items()])
    finish("plan", results, options.json)
    if results["seconds"] > SECONDS_LIMIT or results["state_bytes"] > STATE_LIMIT:
        raise SystemExit("the plan took too long or its state is too large")


def measure(lines: int, folder: Path) -> dict[str, int | float]:
    """Plan a manifest of ``lines`` lines."""
    objects = EndlessManifest(lines, folder)
    settings = Settings(bucket="work", model_version="any")
    records = SqliteStore(folder / "records.sqlite")
    document = {
        "collection_id": "everyone",
        "create_collection": True,
        "manifest": "s3://photos/all.jsonl",
    }
    began = time.perf_counter()
    answer = plan_execution(document, "benchmark", settings, objects, lambda: records)
    seconds = time.perf_counter() - began
    if answer["refused"]:
        raise SystemExit(answer["cause"])
    children = sum(array["size"] for array in answer["arrays"])
    assert children == answer["children"]
    return {
        "manifest_bytes": lines * LINE,
        "lines": lines,
        "children": children,
        "arrays": len(answer["arrays"]),
        "largest_array": max(array["size"] for array in answer["arrays"]),
        "seconds": round(seconds, 3),
        "heads": objects.heads,
        "bytes_read": objects.read_bytes,
        "state_bytes": len(json.dumps(answer)),
        "plan_bytes": len(objects.read(plan_uri(answer["job_folder"]))),
    }


def _line(number: int) -> bytes:
    key = f'{{"image": "s3://photos/{number:012d}.jpg", "external_image_id": "{number}"}}'
    return key.encode().ljust(LINE - 1) + b"\n"


if __name__ == "__main__":
    main()
