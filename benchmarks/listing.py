"""Time the plan of a prefix of very many objects, as the Lambda function writes it.

    python -m benchmarks.listing [--objects 10000000] [--delay-ms 100] [--json FILE]

S3 is a server on this machine in processes of its own, which answers as S3 does: at most 1,000 keys
a request, after a delay, in the order of the keys. The same processor computes its answers. The
listing with one request at a time is timed on the first pages.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from benchmarks.support.results import arguments, finish, show
from facerec.config import Settings
from facerec.jobs.plan import plan_uri
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.objects.s3 import S3Objects
from facerec.storage.sqlite import SqliteStore
from lambdas.plan.handler import plan_execution

PREFIX = "photos/"
PAGE = 1000
SERIAL_PAGES = 50
SECONDS_LIMIT = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class ListedPrefix(LocalObjects):
    """Lists a prefix in S3; everything else is stored in a folder."""

    def __init__(self, s3: S3Objects, folder: Path) -> None:
        super().__init__()
        self._s3, self._folder = s3, folder

    def head(self, uri: str) -> ObjectInfo:
        """Return the size of a stored object."""
        return super().head(self._local(uri))

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401 - as in the protocol
        """Read a stored object."""
        return super().read(self._local(uri), **options)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Store an object."""
        return super().write(self._local(uri), content, if_absent=if_absent)

    def write_file(self, uri: str, path: Path) -> None:
        """Store a file."""
        super().write_file(self._local(uri), path)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """List a prefix in S3, or stored objects."""
        if prefix.startswith(f"s3://listed/{PREFIX}"):
            yield from self._s3.list(prefix, after=after)

    def _local(self, uri: str) -> str:
        return f"{self._folder}/{uri.removeprefix('s3://')}"


def main() -> None:
    """Run the benchmark, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--objects", type=int, default=10_000_000)
    parser.add_argument("--delay-ms", type=float, default=100.0)
    options = parser.parse_args()
    started, port = multiprocessing.Event(), multiprocessing.Value("i", 0)
    server = multiprocessing.Process(
        target=_serve, args=(options.objects, options.delay_ms / 1000, started, port), daemon=True
    )
    server.start()
    started.wait()
    try:
        with tempfile.TemporaryDirectory() as folder:
            results = measure(options.objects, f"http://127.0.0.1:{port.value}", Path(folder))
    finally:
        server.terminate()
    show("listing", [{"figure": name, "value": value} for name, value in results.items()])
    finish("listing", {"delay_ms": options.delay_ms, **results}, options.json)
    if results["seconds"] > SECONDS_LIMIT:
        raise SystemExit("the plan takes longer than a function may")


def measure(objects: int, address: str, folder: Path) -> dict[str, int | float]:
    """Plan a prefix of ``objects`` objects."""
    os.environ |= {
        "AWS_ENDPOINT_URL_S3": address,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    client = boto3.client("s3")
    began, after = time.perf_counter(), ""
    for _ in range(min(SERIAL_PAGES, objects // PAGE)):
        start = {"StartAfter": after} if after else {}
        page = client.list_objects_v2(Bucket="listed", Prefix=PREFIX, **start)
        after = page["Contents"][-1]["Key"]
    serial = (time.perf_counter() - began) * objects / PAGE / SERIAL_PAGES
    records = SqliteStore(folder / "records.sqlite")
    store = ListedPrefix(S3Objects(), folder)
    document = {
        "collection_id": "everyone",
        "create_collection": True,
        "manifest": f"s3://listed/{PREFIX}",
    }
    settings = Settings(bucket="work", model_version="any")
    with _temporary_bytes(folder) as temporary_bytes:
        began, worked = time.perf_counter(), time.process_time()
        answer = plan_execution(document, "benchmark", settings, store, lambda: records)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    if answer["refused"]:
        raise SystemExit(answer["cause"])
    plan = json.loads(store.read(plan_uri(answer["job_folder"])))
    return {
        "objects": objects,
        "children": answer["children"],
        "manifest_bytes": plan["source"]["size"],
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_temporary_mb": round(max(temporary_bytes) / 2**20),
        "objects_per_second": round(objects / seconds),
        "serial_listing_seconds": round(serial, 1),
    }


@contextmanager
def _temporary_bytes(stored: Path) -> Iterator[list[int]]:
    """Sample the size of the temporary files that this process has open, each second.

    Args:
        stored: The folder of what is stored, which is not temporary.
    """
    samples, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(1):
            samples.append(sum(_open_sizes(tempfile.gettempdir(), stored)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _open_sizes(folder: str, excluded: Path) -> Iterator[int]:
    """Yield the sizes of the open files in a folder, also of those without a name."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            path = descriptor.readlink()
            if path.is_relative_to(folder) and not path.is_relative_to(excluded):
                yield descriptor.stat().st_size


def _serve(objects: int, delay: float, started: Event, port: Any) -> None:  # noqa: ANN401
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(delay)
            asked = parse_qs(urlsplit(self.path).query)
            body = _page(objects, asked.get("start-after", [""])[0])
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.request_queue_size = 64
    port.value = server.server_address[1]
    started.set()
    server.serve_forever()


def _page(objects: int, after: str) -> bytes:
    first = _first_after(objects, after)
    last = min(first + PAGE, objects)
    contents = "".join(
        f"<Contents><Key>{_key(number)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{number:032x}&quot;</ETag><Size>200000</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for number in range(first, last)
    )
    truncated = "true" if last < objects else "false"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>listed</Name>'
        f"<Prefix>{PREFIX}</Prefix><MaxKeys>{PAGE}</MaxKeys><KeyCount>{last - first}</KeyCount>"
        f"<EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>"
        f"{contents}</ListBucketResult>"
    ).encode()


def _first_after(objects: int, after: str) -> int:
    """Return the number of the first object whose key follows a key, by bisection."""
    low, high = 0, objects
    while low < high:
        middle = (low + high) // 2
        if _key(middle) > after:
            high = middle
        else:
            low = middle + 1
    return low


def _key(number: int) -> str:
    return f"{PREFIX}2026/{number // 100_000:04}/{number:09}.jpg"


if __name__ == "__main__":
    main()
