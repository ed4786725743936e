"""What a full run leaves: nothing of people in its output, and nothing once it is deleted."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from facerec.storage.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "photos"
FACEREC = (sys.executable, "-m", "facerec.cli.main")

TOKEN = "canary-token-5d2f8a"
PERSON = "Jane-Canary-4711"
OTHER = "John-Canary-4712"
USER = "user-Canary-0815"
OTHER_USER = "user-Canary-0816"
TAG = "canary-ward-oncology"
COLLECTION = "canary-patients"
DISPLAYED = "Jané-Canary-张伟"
NAMES = (PERSON, OTHER, USER, OTHER_USER, DISPLAYED, TAG)
"""None of these may be in what a server prints, and none in any file after the deletion."""


@dataclass
class Installation:
    """A server with a data folder, a home and temporary files of its own."""

    folder: Path
    printed: list[str]
    address: str = ""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self) -> dict[str, str]:
        places = {"HOME": "home", "TMPDIR": "tmp"}
        for name in places.values():
            (self.folder / name).mkdir(exist_ok=True)
        own = {name: str(self.folder / place) for name, place in places.items()}
        return {**os.environ, **own, "PYTHONPATH": str(ROOT)}

    @contextmanager
    def serving(self) -> Iterator[None]:
        command = (*FACEREC, "serve", "--port", "0", "--data", str(self.data))
        command += ("--bucket", f"clinic={self.folder / 'clinic'}", "--token", TOKEN)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(),
        )
        assert process.stdout is not None
        self.address = process.stdout.readline().split()[-1]
        try:
            yield
        finally:
            process.terminate()
            self.printed.append(process.communicate(timeout=60)[0])

    def command(self, *arguments: str) -> str:
        run = subprocess.run(
            (*FACEREC, *arguments, "--data", str(self.data)),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env=self.environment(),
        )
        return run.stdout

    def rekognition(self, operation: str, **request: object) -> dict[str, Any]:
        answer = self.post("/", request, {"X-Amz-Target": f"RekognitionService.{operation}"})
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    def post(
        self, path: str, request: object, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
        return httpx.post(self.address + path, json=request, headers=headers, timeout=120)

    def put(self, path: str, request: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.put(self.address + path, json=request, headers=headers, timeout=120)

    def get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.get(self.address + path, headers=headers, timeout=60)

    def files(self) -> Iterator[Path]:
        """Yield all files but the photos themselves."""
        for path in self.folder.rglob("*"):
            if path.is_file() and self.folder / "clinic" not in path.parents:
                yield path


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("canary")
    clinic = folder / "clinic"
    clinic.mkdir()
    for number, name in enumerate(("barack-obama-1", "eileen-collins-1", "joe-biden-1")):
        shutil.copy(PHOTOS / f"{name}.jpg", clinic / f"{PERSON}-{number}.jpg")
    (clinic / f"{PERSON}-broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    (folder / "data").mkdir()
    return Installation(folder, [])


def photo(name: str) -> dict[str, str]:
    return {"Bytes": base64.b64encode((PHOTOS / f"{name}.jpg").read_bytes()).decode()}


def use(here: Installation) -> list[str]:
    """Do everything that a server can; return the ids of the faces."""
    here.rekognition("CreateCollection", CollectionId=COLLECTION, Tags={"ward": TAG})
    path = "/api/v1/face-recognition/index"
    started = here.post(path, {"collection_id": COLLECTION, "bucket": "clinic", "prefix": ""})
    assert started.status_code == 202, started.text
    job = started.json()["job_id"]
    deadline = time.monotonic() + 120
    while here.get(f"/api/v1/jobs/{job}").json()["status"] in ("PENDING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    indexed = here.rekognition(
        "IndexFaces", CollectionId=COLLECTION, ExternalImageId=OTHER, Image=photo("barack-obama-2")
    )
    own = [record["Face"]["FaceId"] for record in indexed["FaceRecords"]]
    listed = here.rekognition("ListFaces", CollectionId=COLLECTION)["Faces"]
    faces = [face["FaceId"] for face in listed]
    assert len(faces) >= 4
    for number, user in enumerate((USER, OTHER_USER)):
        here.rekognition(
            "CreateUser",
            CollectionId=COLLECTION,
            UserId=user,
            ClientRequestToken=f"create-{number}",
        )
        here.rekognition(
            "AssociateFaces",
            CollectionId=COLLECTION,
            UserId=user,
            FaceIds=own,
            UserMatchThreshold=0,
            ClientRequestToken=f"associate-{number}",
        )
    people = f"/api/v1/collections/{COLLECTION}/people"
    renamed = here.put(f"{people}/{USER}/name", {"name": DISPLAYED})
    assert renamed.json()["name"] == DISPLAYED, renamed.text
    assert here.put(f"{people}/{OTHER_USER}/name", {"name": DISPLAYED}).status_code == 409
    for operation in ("SearchFacesByImage", "SearchUsersByImage"):
        here.rekognition(operation, CollectionId=COLLECTION, Image=photo("barack-obama-2"))
    for face in faces:
        here.get(f"/api/v1/collections/{COLLECTION}/faces/{face}/thumbnail")
    # What fails names its photo to the client, and to nobody else.
    for key in (f"{PERSON}-broken.jpg", f"{PERSON}-missing.jpg", f"../{PERSON}.jpg", f"{PERSON}\0"):
        failed = here.post("/api/v1/face-recognition/detect", {"bucket": "clinic", "key": key})
        assert failed.status_code >= 400
    here.post(f"/{PERSON}", {"name": OTHER})
    return faces


def traces(content: bytes, embeddings: Sequence[bytes]) -> list[str]:
    """Return what of people is in some bytes."""
    found = [name for name in NAMES if name.encode() in content]
    pieces = (vector[start : start + 64] for vector in embeddings for start in (0, 128, 384))
    return found + ["an embedding" for piece in pieces if piece in content]


def test_nothing_of_people_is_printed_or_left_after_a_deletion(installation: Installation) -> None:
    here = installation
    with here.serving():
        faces = use(here)
    secret = here.command("keys", "create", "--collection", COLLECTION)
    secret = secret.rpartition("AWS_SECRET_ACCESS_KEY=")[2].split()[0]
    with SqliteStore(here.data / "facerec.db") as store:
        stored = store.get_faces(COLLECTION, faces)
    embeddings = [face.embedding.astype("<f4").tobytes() for face in stored]
    assert len(embeddings) == len(faces)
    everything = b"".join(path.read_bytes() for path in here.files())
    assert set(traces(everything, embeddings)) == {*NAMES, "an embedding"}

    with here.serving():
        for user in (USER, OTHER_USER):
            here.rekognition("DeleteUser", CollectionId=COLLECTION, UserId=user)
        here.rekognition("DeleteFaces", CollectionId=COLLECTION, FaceIds=faces[:2])
        here.rekognition("DeleteCollection", CollectionId=COLLECTION)
    left = {
        str(path.relative_to(here.folder)): found
        for path in here.files()
        if (found := traces(path.read_bytes(), embeddings))
    }
    assert left == {}

    for printed in here.printed:
        assert traces(printed.encode(), embeddings) == []
        for hidden in (TOKEN, secret, str(here.folder)):
            assert hidden not in printed
    assert json.dumps(here.printed).count("Traceback") == 0
