"""Erase names from a collection of many faces, and search every file and object for what is left.

    python -m benchmarks.erasure_proof [--photos 3811] [--erasures 100] [--seed 1] [--json FILE]

On one machine, the labelled photos of ``../shared/data/lfw`` are indexed by the command line with
the real engine, and one external image id is erased with ``facerec erase --check``; then others are
erased at random. On the emulated stack (moto, the real functions, containers and state machine)
generated photos are indexed by the fake engine, and the API's erasures are completed by the
erasure function. After each erasure every file, or object and file of the store, is searched for
the bytes of the embedding, the name, the address of the photo and the ids of its faces. At the end
the same manifest is indexed again, and everything is searched for again.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import facerec.factory.engines
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.config import read_settings
from facerec.core.erasures import ErasureStatus, Receipt, SubjectKind
from facerec.core.records import StoredFace
from facerec.factory import open_deployed_gallery, open_gallery, open_local_store
from facerec.gallery.gallery import Gallery
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.workflow.emulation import emulated_aws
from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import BUCKET, Stack

COLLECTION = "staff"
Contents = Callable[[], Iterable[tuple[str, bytes]]]


@dataclass
class Proof:
    """What was erased, how long it took, and what was left.

    Attributes:
        faces: Number of faces before the first erasure.
        erased: Names that were erased.
        seconds: Seconds that each erasure took, without the search.
        searched: Number of bytes that the last search read.
        left: Places where something was found after it was erased.
        returned: Number of faces that the second run of the manifest brought back.
        lost: Number of faces of others that are gone.
    """

    faces: int = 0
    erased: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    searched: int = 0
    left: list[str] = field(default_factory=list)
    returned: int = 0
    lost: int = 0

    def row(self, where: str) -> dict[str, Any]:
        """Return the proof as a row of a table."""
        return {
            "where": where,
            "faces": self.faces,
            "names erased": len(self.erased),
            "median seconds": statistics.median(self.seconds),
            "MB searched each time": self.searched / 1e6,
            "left": len(self.left),
            "returned": self.returned,
            "lost": self.lost,
        }


def main() -> int:
    """Run the proof, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=3811)
    parser.add_argument("--erasures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["machine", "stack"])
    options = parser.parse_args()
    rows = []
    for where, prove in (("machine", on_one_machine), ("stack", on_the_stack)):
        if options.only in (None, where):
            with tempfile.TemporaryDirectory() as folder:
                proof = prove(
                    Path(folder), options.photos, options.erasures, random.Random(options.seed)
                )
            rows.append(proof.row(where))
            print(*proof.left, sep="\n", end="")
    show("erasing names, and searching for them", rows)
    clean = not any(row["left"] or row["returned"] or row["lost"] for row in rows)
    finish("erasure_proof", {"proofs": rows, "reached": clean}, options.json)
    return int(not clean)


def on_one_machine(folder: Path, photos: int, erasures: int, chance: random.Random) -> Proof:
    """Erase names on this machine, the first by the command line."""
    data, chosen = folder / "data", folder / "photos"
    chosen.mkdir()
    for photo in sorted((DATA / "lfw" / "images").rglob("*.jpg"))[:photos]:
        (chosen / photo.name).symlink_to(photo)

    def run(*words: object) -> None:
        command = [sys.executable, "-m", "facerec.cli.main", *map(str, words), "--data", str(data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def index() -> None:
        run("index", chosen, "--collection", COLLECTION)

    def contents() -> Iterator[tuple[str, bytes]]:
        for path in data.rglob("*"):
            if path.is_file():
                yield str(path.relative_to(data)), path.read_bytes()

    def erase(name: str, *, first: bool) -> Receipt:
        if first:
            words = ("--collection", COLLECTION, "--external-id", name, "--yes", "--check")
            run("erase", *words)
            with open_gallery(data) as gallery:
                return gallery.list_erasures(COLLECTION, limit=1)[0]
        with open_gallery(data) as gallery:
            return gallery.erase(COLLECTION, SubjectKind.EXTERNAL_ID, name)

    index()
    return _prove(lambda: open_local_store(data), contents, erase, index, erasures, chance)


def on_the_stack(folder: Path, photos: int, erasures: int, chance: random.Random) -> Proof:
    """Erase names on the emulated stack."""
    with pytest.MonkeyPatch.context() as patch, emulated_aws(patch):
        repair(patch)
        patch.setattr(facerec.factory.engines, "open_deployed_engine", lambda *_: FakeEngine())
        patch.setattr(facerec.factory.engines, "open_local_engine", FakeEngine)
        stack = Stack(folder, patch)
        manifest = stack.put("all.jsonl", "\n".join(_lines(stack, photos)).encode())

        def index() -> None:
            ended = stack.index(manifest)
            if ended.status != "SUCCEEDED":
                raise RuntimeError(f"the job ended with {ended.error}: {ended.cause}")

        def contents() -> Iterator[tuple[str, bytes]]:
            for prefix in ("jobs/", "erasures/"):
                for key in stack.keys(prefix):
                    yield key, stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for path in folder.glob(f"{stack.store.name}*"):
                yield path.name, path.read_bytes()

        def erase(name: str, *, first: bool) -> Receipt:
            gallery = _deployed_gallery(stack)
            receipt = gallery.erase(COLLECTION, SubjectKind.EXTERNAL_ID, name)
            return gallery.get_erasure(COLLECTION, receipt.erasure_id)

        index()
        return _prove(lambda: SqliteStore(stack.store), contents, erase, index, erasures, chance)


def _lines(stack: Stack, photos: int) -> Iterator[str]:
    for number in range(photos):
        name = f"person-{number:06}"
        uri = stack.put(f"photos/{name}.jpg", fake_photo(fake_face(name)))
        yield json.dumps({"image": uri, "external_image_id": name})


def _deployed_gallery(stack: Stack) -> Gallery:
    environment = {
        "AWS_S3_BUCKET": BUCKET,
        "FACEREC_STORE": f"sqlite:///{stack.store}",
        "ERASURE_FUNCTION": "ErasureFunction",
        "AWS_REGION": "us-east-1",
    }
    return open_deployed_gallery(read_settings(environment), Objects())


def _prove(
    open_store: Callable[[], SqliteStore],
    contents: Contents,
    erase: Callable[..., Receipt],
    index: Callable[[], None],
    erasures: int,
    chance: random.Random,
) -> Proof:
    """Erase names at random, search for them, index again, and search again."""
    proof, stored = Proof(), _faces(open_store)
    proof.faces = sum(map(len, stored.values()))
    names = chance.sample(sorted(stored), 1 + erasures)
    for name in names:
        traces = _traces(stored[name])
        if not _found(contents, traces)[0]:
            raise RuntimeError("the search does not even find what is stored")
        started = time.perf_counter()
        receipt = erase(name, first=not proof.erased)
        proof.seconds.append(time.perf_counter() - started)
        proof.erased.append(name)
        counted = (receipt.status, receipt.faces, sum(job.embeddings for job in receipt.jobs))
        if counted != (ErasureStatus.DONE, len(stored[name]), len(stored[name])):
            proof.left.append(f"the receipt {receipt.erasure_id} says {counted}")
        found, proof.searched = _found(contents, traces)
        proof.left += [f"{receipt.erasure_id}: {place}" for place in found]
    index()
    every = [trace for name in names for trace in _traces(stored[name])]
    proof.left += [f"after the second run: {place}" for place in _found(contents, every)[0]]
    after = {face.record.face_id for faces in _faces(open_store).values() for face in faces}
    own = {face.record.face_id for name in names for face in stored[name]}
    others = {face.record.face_id for faces in stored.values() for face in faces} - own
    proof.returned, proof.lost = len(after & own), len(others - after)
    return proof


def _faces(open_store: Callable[[], SqliteStore]) -> dict[str, list[StoredFace]]:
    """Return the stored faces by external image id."""
    by_name: dict[str, list[StoredFace]] = {}
    with open_store() as store:
        ids = [face.face_id for face in store.all_faces(COLLECTION)]
        for face in store.get_faces(COLLECTION, ids):
            by_name.setdefault(face.record.external_image_id or "", []).append(face)
    return by_name


def _traces(faces: Iterable[StoredFace]) -> list[bytes]:
    return [
        trace
        for face in faces
        for trace in (
            face.embedding.astype("<f4").tobytes(),
            f'"{face.record.external_image_id}"'.encode(),
            face.record.source.encode(),
            face.record.face_id.encode(),
        )
    ]


def _found(contents: Contents, traces: list[bytes]) -> tuple[list[str], int]:
    """Return where one of the traces is, and the number of bytes that were searched."""
    found, size = [], 0
    for place, content in contents():
        size += len(content)
        if any(trace in content for trace in traces):
            found.append(place)
    return found, size


if __name__ == "__main__":
    sys.exit(main())
