"""A collection that is indexed from a folder of photos again and again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from facerec.errors import AccessDeniedError
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasures
from facerec.jobs.child.attempt import ChildDependencies, StepSize, run_child
from facerec.jobs.job_data import JobFolders
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import write_report
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.stale_faces import deletion_by, remove_stale
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.jobs import job_input


class CountingObjects(LocalObjects):
    """Counts the photos that are read; all files were written long before that."""

    def __init__(self) -> None:
        super().__init__()
        self.photos: list[str] = []

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        if "/jobs/" not in uri:
            self.photos.append(Path(uri).name)
        content, info = super().fetch(uri, end=end, version_id=version_id)
        return content, self.facts(info)

    def head(self, uri: str) -> ObjectInfo:
        return self.facts(super().head(uri))

    def list(self, prefix: str, *, after: str = "") -> Any:  # noqa: ANN401 - as in the protocol
        return map(self.facts, super().list(prefix, after=after))

    def facts(self, info: ObjectInfo) -> ObjectInfo:
        assert info.changed_ns is not None
        return ObjectInfo(info.uri, info.size, info.version, info.changed_ns - 10**10)


class EtagObjects(CountingObjects):
    """Photos have ETags, as in S3: the same content has the same version again."""

    def facts(self, info: ObjectInfo) -> ObjectInfo:
        if not info.uri.endswith(".jpg"):
            return super().facts(info)
        etag = hashlib.md5(Path(info.uri).read_bytes(), usedforsecurity=False).hexdigest()
        return ObjectInfo(info.uri, info.size, etag)


def deny(staff: Collection, name: str, patch: pytest.MonkeyPatch) -> None:
    """Deny access to the photo of a name."""

    def denying(do: Callable[..., Any]) -> Callable[..., Any]:
        def denied(uri: str, **settings: Any) -> Any:  # noqa: ANN401
            if uri.endswith(f"/{name}"):
                raise AccessDeniedError(uri)
            return do(uri, **settings)

        return denied

    for method in ("fetch", "read"):
        patch.setattr(staff.objects, method, denying(getattr(staff.objects, method)))


@dataclass
class Collection:
    """A folder of photos, and a collection that is indexed from it again and again."""

    folder: Path
    objects: CountingObjects = field(default_factory=CountingObjects)
    engine: FakeEngine = field(default_factory=FakeEngine)

    def __post_init__(self) -> None:
        self.photos = self.folder / "photos"
        self.photos.mkdir()
        self.store = SqliteStore(self.folder / "store.sqlite")
        self.jobs_root = f"{self.folder}/jobs/"

    def photo(self, name: str, *people: str) -> Path:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        faces = (fake_face(who, left=0.3 * place) for place, who in enumerate(people))
        path.write_bytes(fake_photo(*faces))
        return path

    def plan(self, source: Path | str | None = None, **settings: object) -> Plan:
        return plan_job(
            job_input(source or self.photos, **settings),
            self.objects,
            self.store,
            jobs_root=self.jobs_root,
            model_version=self.engine.model_version,
        )

    def run(self, source: Path | str | None = None, **settings: object) -> Plan:
        return self.complete(self.plan(source, **settings))

    def dependencies(self) -> ChildDependencies:
        return ChildDependencies(self.engine, self.store, self.store, self.objects)

    def interrupt(self, plan: Plan, photos: int) -> Plan:
        """Run the first child of a job until a number of photos is committed."""
        committed: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("facerec.jobs.child.attempt.LOCAL_STEP", StepSize(1, 1, 1))
            run_child(
                plan,
                0,
                self.dependencies(),
                stop=lambda: len(committed) >= photos,
                on_commit=committed.append,
            )
        assert len(self.rows(plan)) == photos
        return plan

    def complete(self, plan: Plan) -> Plan:
        self.run_children(plan)
        remove_stale(plan, self.objects, self.store, self.store, self.jobs_root, self.delete)
        write_report(plan, self.objects, tolerated_failure_percentage=100)
        return plan

    def run_children(self, plan: Plan) -> None:
        self.objects.photos.clear()
        for child in range(plan.children):
            run_child(plan, child, self.dependencies())

    def gallery(self) -> Gallery:
        erasures = Erasures(self.objects, f"{self.folder}/erasures/")
        return Gallery(
            self.engine,
            faces=self.store,
            records=self.store,
            objects=self.objects,
            job_data=JobFolders(self.objects, self.jobs_root, erasures),
            erasures=erasures,
        )

    def delete(self, collection_id: str, face_ids: Sequence[str]) -> int:
        return deletion_by(self.gallery())(collection_id, face_ids)

    def erase(self, face_id: str) -> None:
        """Delete a face for good, here and in the job folders."""
        done = self.gallery().delete_faces("staff", [face_id], disassociate=True)
        assert done.deleted == (face_id,)

    def lose_database(self) -> None:
        self.store.close()
        for path in self.folder.glob("store.sqlite*"):
            path.unlink()
        self.store = SqliteStore(self.folder / "store.sqlite")

    def read(self) -> list[str]:
        return sorted(self.objects.photos)

    def sources(self) -> Counter[str]:
        """Return the names of the photos of all stored faces."""
        return Counter(Path(face.source).name for face in self.store.list_faces("staff"))

    def people(self) -> int:
        return self.store.count_faces("staff")

    def rows(self, plan: Plan) -> list[LedgerRow]:
        return list(iterate_rows(plan, self.objects))
