"""Small jobs of fake photos on this machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols.records import RecordStore
from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.segments import Segment, read_segments
from facerec.jobs.ledger.tally import ChildSummary
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import JobRequest, read_job_request
from facerec.storage.faces import FaceStore
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.fake_worker import SlowEngine
from tests.support.settled import let_files_settle


def write_photos(folder: Path, count: int, faces: int = 1) -> list[Path]:
    """Write photos of different people, ``faces`` on each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        people = (
            fake_face(f"p{number}-{place}", left=0.1 * place, width=0.3 - 0.01 * place)
            for place in range(faces)
        )
        path = folder / f"{number:04d}.jpg"
        path.write_bytes(fake_photo(*people))
        paths.append(path)
    let_files_settle()
    return paths


def write_manifest(path: Path, photos: Sequence[Path | str]) -> Path:
    """Write a manifest of JSON lines; each photo's external image id is its place in it."""
    lines = [
        json.dumps({"image": str(photo), "external_image_id": f"photo:{number}"})
        for number, photo in enumerate(photos)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def job_input(manifest: Path | str, **settings: object) -> JobRequest:
    """Return an input that indexes a manifest into the collection ``staff``."""
    document = {
        "collection_id": "staff",
        "manifest": str(manifest),
        "create_collection": True,
        **settings,
    }
    return read_job_request(document)


def slow_dependencies(store: Path, seconds: float, _model_version: str = "") -> ChildDependencies:
    """Create the dependencies of a child with a slow engine."""
    opened = SqliteStore(store)
    return ChildDependencies(SlowEngine(seconds), opened, opened, LocalObjects())


class CrashingEngine(FakeEngine):
    """Crashes like a decoder's native code on photos that contain ``crash``."""

    def __init__(self, number: int = signal.SIGABRT) -> None:
        super().__init__()
        self._signal = number

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        if any(b"crash" in photo for photo in photos):
            os.kill(os.getpid(), self._signal)
        return super().analyse(photos, options)


def crashing_dependencies(store: Path, _model_version: str) -> ChildDependencies:
    """Create the dependencies of a child whose engine crashes."""
    opened = SqliteStore(store)
    return ChildDependencies(CrashingEngine(), opened, opened, LocalObjects())


class LocalJob:
    """A job with its stores in one folder.

    Attributes:
        plan: Plan of the job.
        engine: Engine that counts its photos.
        store: The file of the store.
        faces: The store.
        objects: Local files.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Path | str,
        engine: FakeEngine | None = None,
        faces: FaceStore | None = None,
        records: RecordStore | None = None,
        job_folder: Path | None = None,
        **settings: object,
    ) -> None:
        self.engine = engine or FakeEngine()
        self.store = folder / "store.sqlite"
        self.records = SqliteStore(self.store) if records is None else records
        self.faces = faces or SqliteStore(self.store)
        self.objects = LocalObjects()
        self.plan: Plan = plan_job(
            job_input(manifest, **settings),
            self.objects,
            self.records,
            jobs_root=f"{folder}/jobs/",
            model_version=self.engine.model_version,
            job_folder=None if job_folder is None else f"{job_folder}/",
        )
        self.parts = ChildDependencies(self.engine, self.faces, self.records, self.objects)

    def run(self, **hooks: Any) -> list[ChildSummary]:  # noqa: ANN401 - passed on
        """Run all children in turn."""
        return [
            run_child(self.plan, child, self.parts, **hooks) for child in range(self.plan.children)
        ]

    def ledger(self, child: int = 0) -> list[Segment]:
        """Return the parts of a child's ledger."""
        return list(read_segments(self.objects, self.plan.job_folder, child))

    def rows(self) -> list[LedgerRow]:
        """Return the rows of all children."""
        children = range(self.plan.children)
        return [row for child in children for part in self.ledger(child) for row in part.rows]

    def face_ids(self) -> list[str]:
        """Return the ids of all faces in the store."""
        return [face.face_id for face in self.faces.list_faces("staff", limit=100_000)]

    def kept_embeddings(self) -> list[Path]:
        """Return the files of embeddings in the job's folder."""
        return sorted(Path(self.plan.job_folder).glob("embeddings/*/*"))
