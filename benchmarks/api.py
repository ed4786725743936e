"""How long the API takes to its first answer and to later ones, beside a face_recognition script.

    python benchmarks/api.py [--repeats N] [--seconds S] [--output RESULT.json]

Three things are measured on a photo of one megapixel with one face:

- cold start: from the start of a process to its first answer, by stages. Ours is the handler of the
  Lambda function with a store of faces in SQLite; the peer is a script that does the same work.
- a warm match in one process, split into decode, detect, embed and search, and over HTTP.
- requests a second of `facerec serve` on all cores, under as many clients as cores and more.

The peer is what face_recognition's own examples do: load_image_file, face_encodings (HOG upsampled
once, 5-point landmarks), face_distance. It is installed with

    pip install --no-deps face_recognition

beside dlib-bin. Both sides run in turns in the same minutes: read the ratios, not the times.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from facerec.core.options import FaceOptions
from facerec.engine.engine import Engine
from facerec.gallery.gallery import Gallery
from facerec.storage.faces import FaceStore

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "examples" / "photos"
PROBE = PHOTOS / "barack-obama-1.jpg"
KNOWN = [PHOTOS / "barack-obama-2.jpg", PHOTOS / "eileen-collins-1.jpg", PHOTOS / "joe-biden-1.jpg"]

COLD_GOAL = 1.5
"""Seconds from the start of a process to its first answer."""

WARM_GOAL = 5.0
"""How many times faster than the peer a warm match must be."""

COLD_OURS = """
import json, sys, time
started = float(sys.argv[1])
event = json.load(open(sys.argv[2]))
from lambdas.api.handler import handler
import facerec.engine.engine, lambdas.api.building
imported = time.time()
answer = handler(event, None)
first = time.time()
assert answer["statusCode"] == 200, answer
assert json.loads(answer["body"])["faces"][0]["decision"] == "match"
print(json.dumps({"imports": imported - started, "models and first match": first - imported,
                  "to the first answer": first - started}))
"""

SHIM = """
import sys, types
if "pkg_resources" not in sys.modules:
    # face_recognition_models asks for its files by way of what setuptools no longer has
    from importlib.resources import files
    stand_in = types.ModuleType("pkg_resources")
    stand_in.resource_filename = lambda package, name: str(files(package) / name)
    sys.modules["pkg_resources"] = stand_in
"""

COLD_PEER = (
    """
import json, sys, time
started = float(sys.argv[1])
"""
    + SHIM
    + """
import face_recognition, numpy
known = numpy.load(sys.argv[2])
imported = time.time()
probe = face_recognition.face_encodings(face_recognition.load_image_file(sys.argv[3]))[0]
distances = face_recognition.face_distance(known, probe)
first = time.time()
assert distances.argmin() == 0
print(json.dumps({"imports and models": imported - started, "first match": first - imported,
                  "to the first answer": first - started}))
"""
)


def main() -> None:
    """Measure, print, and write the result where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        fill(data)
        result = {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "cold": cold(data, arguments.repeats),
            "warm": warm(data, arguments.repeats),
            "served": served(data, arguments.seconds),
        }
    show(result)
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + "\n")


def fill(data: Path) -> None:
    """Index the known photos into a store."""
    with open_parts(data) as (gallery, _, _):
        gallery.create_collection("people")
        for photo in KNOWN:
            gallery.index("people", photo, external_image_id=photo.stem)


@contextmanager
def open_parts(data: Path) -> Iterator[tuple[Gallery, Engine, FaceStore]]:
    """Open a gallery on a data folder with its engine, which uses one thread, and its store."""
    from facerec.engine.engine import open_engine
    from facerec.jobs.job_data import JobFolders
    from facerec.storage.objects.routed import open_objects
    from facerec.storage.sqlite import SqliteStore

    with SqliteStore(data / "facerec.db") as store:
        engine, objects = open_engine(threads=1), open_objects()
        job_data = JobFolders(objects, f"{data.absolute()}/jobs/")
        yield Gallery(engine, store, store, photos=objects, job_data=job_data), engine, store


def match_document() -> dict[str, Any]:
    """Return the body of a match request for the probe."""
    image = base64.b64encode(PROBE.read_bytes()).decode()
    return {"collection_id": "people", "image": image}


def cold(data: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Return median seconds of the stages of a cold start, ours and the peer's in turns."""
    import numpy as np

    event = data / "event.json"
    event.write_text(json.dumps(gateway_event()))
    known = data / "known.npy"
    with open_parts(data) as parts:
        ids = [record.face_id for record in parts.faces.list_faces("people")]
        faces = {f.record.external_image_id: f for f in parts.faces.get_faces("people", ids)}
    np.save(known, [faces[photo.stem].embedding for photo in KNOWN])
    environment = {
        **os.environ,
        "FACEREC_STORE": f"sqlite:///{data / 'facerec.db'}",
        "PYTHONPATH": str(ROOT),
    }
    runs: dict[str, list[dict[str, float]]] = {"facerec": [], "face_recognition": []}
    programs = {
        "facerec": (COLD_OURS, [str(event)]),
        "face_recognition": (COLD_PEER, [str(known), str(PROBE)]),
    }
    for _ in range(repeats):
        for name, (program, options) in programs.items():
            command = [sys.executable, "-W", "ignore", "-c", program, repr(time.time()), *options]
            ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            runs[name].append(json.loads(ended.stdout))
    return {
        name: {stage: statistics.median(run[stage] for run in of) for stage in of[0]}
        for name, of in runs.items()
    }


def gateway_event() -> dict[str, Any]:
    """Return the match request as API Gateway hands it on."""
    return {
        "resource": "/{proxy+}",
        "path": "/api/v1/face-recognition/match",
        "httpMethod": "POST",
        "headers": {"Host": "localhost", "Content-Type": "application/json"},
        "queryStringParameters": None,
        "requestContext": {"stage": "prod", "identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(match_document()),
        "isBase64Encoded": False,
    }


def warm(data: Path, repeats: int) -> dict[str, float]:
    """Return median milliseconds of a warm match, whole and split, and of the peer's."""
    exec(SHIM, {})
    import face_recognition
    import numpy as np

    times: dict[str, list[float]] = {}
    with open_parts(data) as (gallery, engine, store):
        photo = PROBE.read_bytes()

        def ours() -> None:
            gallery.search("people", photo, options=FaceOptions())

        ours()
        split = Split(engine, store)
        known = np.stack([np.zeros(128)] * len(KNOWN))

        def peer() -> None:
            image = face_recognition.load_image_file(str(PROBE))
            probe = face_recognition.face_encodings(image)[0]
            face_recognition.face_distance(known, probe)

        peer()
        for _ in range(2 * repeats):
            split.clear()
            times.setdefault("match", []).append(timed(ours))
            for stage, took in split.milliseconds.items():
                times.setdefault(stage, []).append(took)
            times.setdefault("face_recognition", []).append(timed(peer))
    return {stage: statistics.median(found) for stage, found in times.items()}


class Split:
    """Takes the time of what a match is made of."""

    def __init__(self, engine: Engine, faces: FaceStore) -> None:
        """Put a clock around the stages of an engine and a store."""
        import facerec.engine.engine as vision

        self.milliseconds: dict[str, float] = {}
        vision.decode = self._clocked("decode", vision.decode)
        detector = engine._detector(FaceOptions().detector)
        for owner, name, stage in (
            (detector, "detect", "detect"),
            (engine._embedder, "embed", "embed"),
            (faces, "search", "search"),
        ):
            clocked = self._clocked(stage, getattr(owner, name))
            try:
                setattr(owner, name, clocked)
            except AttributeError:
                setattr(type(owner), name, lambda _self, *a, run=clocked, **k: run(*a, **k))

    def clear(self) -> None:
        """Forget the times taken so far."""
        self.milliseconds.clear()

    def _clocked(self, stage: str, work: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **options: object) -> object:
            started = time.perf_counter()
            try:
                return work(*arguments, **options)
            finally:
                took = 1000 * (time.perf_counter() - started)
                self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + took

        return run


def timed(work: Callable[[], None]) -> float:
    """Return the milliseconds that some work takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def served(data: Path, seconds: float) -> dict[str, float]:
    """Return match requests a second of a live server, by the number of clients."""
    command = [
        sys.executable,
        "-m",
        "facerec.cli.main",
        "serve",
        "--port",
        "0",
        "--data",
        str(data),
    ]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stderr is not None
        address = server.stderr.readline().split()[-1]
        body = json.dumps(match_document()).encode()
        for _ in range(4):
            send(address, body)
        cores = len(os.sched_getaffinity(0))
        result = {
            f"requests a second, {clients} clients": under_load(address, body, clients, seconds)
            for clients in (1, cores, 4 * cores)
        }
        alone = statistics.median(timed(lambda: send(address, body)) for _ in range(10))
        return {"one request over HTTP, ms": alone, **result}
    finally:
        server.terminate()
        server.wait(30)


def under_load(address: str, body: bytes, clients: int, seconds: float) -> float:
    """Return how many requests a second are answered."""
    end = time.monotonic() + seconds
    counts = [0] * clients

    def ask(client: int) -> None:
        while time.monotonic() < end:
            send(address, body)
            counts[client] += 1

    started = time.monotonic()
    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - started)


def send(address: str, body: bytes) -> None:
    """Send one match request and read its answer."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/api/v1/face-recognition/match", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def show(result: dict[str, Any]) -> None:
    """Print tables."""
    console = Console(highlight=False)
    console.print(result["machine"])
    table = Table("cold start", "facerec", "face_recognition")
    ours, peer = (result["cold"][name] for name in ("facerec", "face_recognition"))
    for stage in dict.fromkeys([*ours, *peer]):
        row = [f"{of[stage]:.2f} s" if stage in of else "" for of in (ours, peer)]
        table.add_row(stage, *row)
    console.print(table)
    total = ours["to the first answer"]
    console.print(f"goal: under {COLD_GOAL} s: {'met' if total < COLD_GOAL else 'NOT MET'}\n")
    table = Table("warm match, one thread", "ms")
    for stage, took in result["warm"].items():
        table.add_row(stage, f"{took:.1f}")
    console.print(table)
    ratio = result["warm"]["face_recognition"] / result["warm"]["match"]
    verdict = "met" if ratio > WARM_GOAL else "NOT MET"
    console.print(f"{ratio:.1f} times faster; goal: {WARM_GOAL:.0f} times: {verdict}\n")
    table = Table("facerec serve", "")
    for what, value in result["served"].items():
        table.add_row(what, f"{value:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
