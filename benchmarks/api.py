"""Compare the API with a script that uses face_recognition: cold start, warm match, throughput.

    python -m benchmarks.api [--repeats 5] [--seconds 8] [--json FILE]

Three things are measured with a photo of one megapixel with one face:

- cold start: the time from the start of a process to its first match. facerec's side is the handler
  of the Lambda function with faces in SQLite, the peer a script that does the same work.
- warm match: a match in a running process, the peer's likewise.
- throughput: match requests per second to ``facerec serve`` on all cores, by the number of clients.

The peer is ``benchmarks.support.peer``; without it only facerec's side is measured.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.support import peer
from benchmarks.support.results import EXAMPLES, ROOT, arguments, finish, show
from benchmarks.support.turns import in_turns
from facerec import open_gallery
from tests.support.gateway_events import USER_ARN, rest_event

PROBE = EXAMPLES / "barack-obama-1.jpg"
KNOWN = [EXAMPLES / f"{name}.jpg" for name in ("barack-obama-2", "eileen-collins-1", "joe-biden-1")]

MATCH = "/api/v1/face-recognition/match"

COLD_TARGET = 1.5
"""Target in seconds for a cold start."""

WARM_TARGET = 5.0
"""Target for the speedup of a warm match over the peer."""

COLD_FACEREC = """
import json, sys, time
start, event = float(sys.argv[1]), json.load(open(sys.argv[2]))
from lambdas.api.handler import handler
imported = time.time()
response = handler(event, None)
end = time.time()
assert response["statusCode"] == 200, response
assert json.loads(response["body"])["faces"][0]["decision"] == "match"
stages = {"imports": imported - start, "first match": end - imported, "total": end - start}
print(json.dumps(stages))
"""

COLD_PEER = """
import json, sys, time
from pathlib import Path
start = float(sys.argv[1])
import numpy
from benchmarks.support import peer
peer.load()
known = numpy.load(sys.argv[2])
imported = time.time()
(probe,), = peer.index([Path(sys.argv[3])])
assert numpy.linalg.norm(known - probe, axis=1).argmin() == 0
end = time.time()
stages = {"imports": imported - start, "first match": end - imported, "total": end - start}
print(json.dumps(stages))
"""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with open_gallery(data) as gallery:
            gallery.create_collection("people")
            for photo in KNOWN:
                gallery.index("people", photo, external_image_id=photo.stem)
        results = {
            "cold": cold(data, options.repeats),
            "warm": warm(data, 2 * options.repeats),
            "served": served(data, options.seconds),
        }
    show(f"cold start, seconds of wall time; target: {COLD_TARGET}", results["cold"])
    show(f"warm match, ms of wall time; target: {WARM_TARGET} times faster", results["warm"])
    show("facerec serve on all cores", results["served"])
    finish("api", results, options.json)


def cold(data: Path, repeats: int) -> list[dict[str, Any]]:
    """Return the median seconds of the stages of a cold start, in turns with the peer."""
    event = data / "event.json"
    event.write_text(
        json.dumps(rest_event("POST", MATCH, match_document(), authorization="AWS_IAM"))
    )
    grants = [{"principal": USER_ARN, "collections": "*", "access": "write"}]
    (data / "access.json").write_text(json.dumps({"grants": grants}))
    programs = {"facerec": (COLD_FACEREC, [str(event)])}
    if peer.is_installed():
        known = data / "known.npy"
        np.save(known, [descriptors[0] for descriptors in peer.index(KNOWN)])
        programs["face_recognition"] = (COLD_PEER, [str(known), str(PROBE)])
    environment = {
        **os.environ,
        "ACCESS_TABLE": str(data / "access.json"),
        "API_AUTHORIZATION": "AWS_IAM",
        "AWS_REGION": "us-east-1",
        "AWS_S3_BUCKET": "unused",
        "FACEREC_STORE": f"sqlite:///{data / 'facerec.db'}",
        "PYTHONPATH": str(ROOT),
    }
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for _ in range(repeats):
        for name, (program, words) in programs.items():
            command = [sys.executable, "-W", "ignore", "-c", program, repr(time.time()), *words]
            ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            runs[name].append(json.loads(ended.stdout.splitlines()[-1]))
    return [
        {"side": name, **{stage: median(run[stage] for run in times) for stage in times[0]}}
        for name, times in runs.items()
    ]


def warm(data: Path, repeats: int) -> list[dict[str, Any]]:
    """Return the median milliseconds of a match in this process, in turns with the peer."""
    with open_gallery(data) as gallery:
        content = PROBE.read_bytes()
        ways = {"facerec": lambda: gallery.search("people", content)}
        if peer.is_installed():
            ways["face_recognition"] = lambda: peer.index([PROBE])
        times = in_turns(repeats, ways)
    own = times["facerec"].wall_median
    return [
        {"side": name, "ms": 1000 * side.wall_median, "to facerec": side.wall_median / own}
        for name, side in times.items()
    ]


def served(data: Path, seconds: float) -> list[dict[str, Any]]:
    """Return the latency of a live server and its throughput by the number of clients."""
    body = json.dumps(match_document()).encode()
    cores = os.cpu_count() or 1
    with server(data) as address:
        for _ in range(4):
            send(address, body)
        latencies = []
        for _ in range(10):
            start = time.perf_counter()
            send(address, body)
            latencies.append(1000 * (time.perf_counter() - start))
        rows: list[dict[str, Any]] = [{"figure": "one request, ms", "value": median(latencies)}]
        for clients in (1, cores, 4 * cores):
            rate = throughput(address, body, clients, seconds)
            rows.append({"figure": f"requests per second, {clients} clients", "value": rate})
    return rows


@contextmanager
def server(data: Path) -> Iterator[str]:
    """Run ``facerec serve`` on a data folder and yield its address."""
    words = ["-m", "facerec.cli.main", "serve", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stderr is not None
        yield process.stderr.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(30)


def throughput(address: str, body: bytes, clients: int, seconds: float) -> float:
    """Return the number of requests of ``clients`` concurrent clients answered per second."""
    end = time.monotonic() + seconds
    counts = [0] * clients

    def run(client: int) -> None:
        while time.monotonic() < end:
            send(address, body)
            counts[client] += 1

    start = time.monotonic()
    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - start)


def send(address: str, body: bytes) -> None:
    """Send a match request and read the response."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}{MATCH}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        response.read()


def match_document() -> dict[str, Any]:
    """Return the body of a match request for the probe."""
    image = base64.b64encode(PROBE.read_bytes()).decode()
    return {"collection_id": "people", "image": image}


if __name__ == "__main__":
    main()
