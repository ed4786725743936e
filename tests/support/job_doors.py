"""The doors through which jobs are run, each over photos of the fake engine."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

import facerec.engine.describe.version
import facerec.factory.engines
import facerec.factory.local
import facerec.jobs.local.supervisor
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.main import main
from facerec.factory import open_gallery, open_local_jobs
from facerec.jobs.child.attempt import run_child
from facerec.jobs.ledger.reading import complete_children
from facerec.jobs.local.run import RunResult
from facerec.jobs.local.worker import BuildDependencies
from facerec.jobs.plan import Plan
from facerec.jobs.service import LATEST
from facerec.storage.objects import AccessPolicy, Objects, ObjectStore
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.fake_worker import fake_worker
from tests.support.settled import let_files_settle
from tests.support.workflow.stack import BUCKET, Stack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def use_fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the fake engine for local jobs and the API."""
    monkeypatch.setattr(facerec.factory.local, "_build_worker", fake_worker)
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    monkeypatch.setattr(
        facerec.engine.describe.version, "model_version", lambda _: FakeEngine().model_version
    )


def run_jobs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the children of local jobs in turn, without the start of worker processes."""

    def run_children(
        plan: Plan, build: BuildDependencies, objects: ObjectStore, **_: object
    ) -> RunResult:
        result, complete = RunResult(), complete_children(plan, objects)
        for child in (each for each in range(plan.children) if not complete[each]):
            result.new_photos += run_child(plan, child, build(plan.model_version)).tally.photos
        return result

    monkeypatch.setattr(facerec.jobs.local.supervisor, "run_children", run_children)


def photo_of(people: str) -> bytes:
    """Return a photo of people, whose names are joined by ``+``."""
    faces = (
        fake_face(name, left=0.1 * place, width=0.3 - 0.01 * place)
        for place, name in enumerate(people.split("+"))
    )
    return fake_photo(*faces)


class JobDoor:
    """A door through which jobs are submitted and collections are deleted."""

    def write(self, name: str, content: bytes) -> None:
        """Write a photo, or a manifest."""
        raise NotImplementedError

    def delete_photo(self, name: str) -> None:
        """Delete a photo."""
        raise NotImplementedError

    def address(self, name: str) -> str:
        """Return the address of a photo."""
        raise NotImplementedError

    def run(self, manifest: str, **settings: object) -> dict[str, Any]:
        """Run a job of a manifest to its end; return its report, with its last run."""
        raise NotImplementedError

    def delete_collection(self) -> None:
        """Delete the collection ``staff``."""
        raise NotImplementedError

    def delete_face(self, face_id: str) -> None:
        """Delete a face of the collection ``staff``."""
        raise NotImplementedError

    @property
    def store(self) -> SqliteStore:
        """The store of the faces."""
        raise NotImplementedError

    def keep_for_days(self, days: int) -> None:
        """Set for how long the collection ``staff`` keeps faces."""
        raise NotImplementedError

    def rebuild(self) -> dict[str, Any]:
        """Rebuild the collection ``staff`` from its job folders; return the numbers."""
        raise NotImplementedError

    def delete_last_job(self) -> None:
        """Delete the folder of the last job."""
        raise NotImplementedError

    def index(self, *people: str, **settings: object) -> dict[str, Any]:
        """Write a photo of each person and a manifest of them, and run its job."""
        for person in people:
            self.write(f"{person}.jpg", photo_of(person))
        return self.index_again(people, **settings)

    def index_again(self, people: Iterable[str], **settings: object) -> dict[str, Any]:
        """Run the job of the manifest again, from photos that are there or not."""
        lines = "".join(f"{self.address(f'{person}.jpg')}\n" for person in people)
        self.write("people.txt", lines.encode())
        return self.run("people.txt", **settings)

    def face_ids(self) -> list[str]:
        """Return the ids of the faces in the collection."""
        with self.store as store:
            return [face.face_id for face in store.list_faces("staff", limit=1000)]


class _LocalDoor(JobDoor):
    def __init__(self, folder: Path) -> None:
        self.data, self.photos = folder / "data", folder / "photos"
        self.data.mkdir(parents=True)
        self.photos.mkdir()

    def write(self, name: str, content: bytes) -> None:
        path = self.photos / name
        # A manifest that did not change is the same version of it.
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)

    def delete_photo(self, name: str) -> None:
        (self.photos / name).unlink()

    def delete_last_job(self) -> None:
        jobs = open_local_jobs(self.data)
        jobs.delete(jobs.get(LATEST))

    @property
    def store(self) -> SqliteStore:
        return SqliteStore(self.data / "facerec.db")


class CommandLineJobs(_LocalDoor):
    """``facerec index`` on this machine."""

    def address(self, name: str) -> str:
        return str(self.photos / name)

    def run(self, manifest: str, **settings: object) -> dict[str, Any]:
        let_files_settle()
        words = ["index", self.address(manifest), "--collection", "staff", "--workers", "1"]
        for name, value in settings.items():
            words.append(f"--{name.replace('_', '-')}")
            words += [] if value is True else [str(value)]
        result = CliRunner().invoke(main, [*words, "--json", "--data", str(self.data)])
        assert result.exit_code in (0, 1, 7), result.output
        report: dict[str, Any] = json.loads(result.stdout)
        # The exit code shows lost faces, unless it shows failures.
        is_lost = report["run"]["faces_lost"] > 0
        assert is_lost == (result.exit_code == 1) or result.exit_code == 7, result.output
        return report

    def delete_collection(self) -> None:
        self._run("collections", "delete", "staff", "--yes")

    def delete_face(self, face_id: str) -> None:
        self._run("faces", "delete", "--collection", "staff", face_id)

    def keep_for_days(self, days: int) -> None:
        self._run("collections", "update", "staff", "--expire-after", f"{days}d")

    def print_run(self, manifest: str) -> str:
        """Run the job of a manifest; return what is printed."""
        words = ["index", self.address(manifest), "--collection", "staff", "--workers", "1"]
        return self._run(*words, codes=(0, 1))

    def rebuild(self) -> dict[str, Any]:
        numbers: dict[str, Any] = json.loads(self._run("rebuild", "staff", "--json", codes=(0, 1)))
        return numbers

    def verify(self, *, repair: bool) -> dict[str, Any]:
        """Compare the collection ``staff`` with its jobs; return the numbers."""
        words = ["verify", "staff", "--json", *(["--repair"] if repair else [])]
        numbers: dict[str, Any] = json.loads(self._run(*words, codes=(0, 1)))
        return numbers

    def command(self, *words: str) -> str:
        """Run another command; return what is printed."""
        return self._run(*words)

    def _run(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        result = CliRunner().invoke(main, [*words, "--data", str(self.data)])
        assert result.exit_code in codes, result.output
        return result.stdout


class RestJobs(_LocalDoor):
    """REST on this machine; a folder is served as a bucket."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        policy = AccessPolicy({"photos": self.photos}, frozenset(), f"{self.data}/jobs/")
        self.jobs = open_local_jobs(self.data, workers=1, policy=policy)
        app = create_app(open_gallery(self.data), AppSettings(OpenGuard(), jobs=self.jobs))
        self.client = TestClient(app, base_url="http://localhost")

    def address(self, name: str) -> str:
        return f"s3://photos/{name}"

    def run(self, manifest: str, **settings: object) -> dict[str, Any]:
        document: dict[str, Any] = {
            "collection_id": "staff",
            "manifest": self.address(manifest),
            "create_collection": True,
            **settings,
        }
        let_files_settle()
        submitted = self.client.post("/api/v1/face-recognition/index", json=document)
        assert submitted.status_code == 202, submitted.text
        address = submitted.headers["Location"]
        deadline = time.monotonic() + 60
        while True:
            answer = self.client.get(address).json()
            if answer["status"] not in ("PENDING", "RUNNING"):
                following = answer["run"]["followed_by"]
                if following is None:
                    return {**answer["report"], "run": answer["run"]}
                address = f"{address.rpartition('/')[0]}/{following}"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def delete_collection(self) -> None:
        assert self.client.delete("/api/v1/collections/staff").status_code == 204

    def delete_face(self, face_id: str) -> None:
        address = f"/api/v1/collections/staff/faces/{face_id}"
        assert self.client.delete(address).status_code == 204


class DeployedJobs(JobDoor):
    """The functions and the container as deployed, with the real state machine."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        gallery_settings = AccessPolicy(buckets=frozenset(), own_folder=f"s3://{BUCKET}/")
        self._objects = Objects(gallery_settings)

    def write(self, name: str, content: bytes) -> None:
        self.stack.put(name, content)

    def delete_photo(self, name: str) -> None:
        self.stack.s3.delete_object(Bucket=BUCKET, Key=name)

    def address(self, name: str) -> str:
        return f"s3://{BUCKET}/{name}"

    def run(self, manifest: str, **settings: object) -> dict[str, Any]:
        names = ("max_faces", "min_confidence")
        options = {name: settings.pop(name) for name in names if name in settings}
        ended = self.stack.index(self.address(manifest), options=options, **settings)
        address = ended.output.get("report") or ended.cause.rpartition("report: ")[2]
        run = self.stack.jobs.get(LATEST).run
        return {**self.stack.read_json(address), "run": run and run.to_json()}

    def delete_collection(self) -> None:
        with self._gallery() as gallery:
            gallery.delete_collection("staff")

    def delete_face(self, face_id: str) -> None:
        with self._gallery() as gallery:
            gallery.delete_faces("staff", [face_id])

    def keep_for_days(self, days: int) -> None:
        with self._gallery() as gallery:
            gallery.set_retention("staff", days)

    def delete_last_job(self) -> None:
        self.stack.jobs.delete(self.stack.jobs.get(LATEST))

    def rebuild(self) -> dict[str, Any]:
        from lambdas.erasure import handler

        # A process that ran another test has a gallery of the store of that test.
        handler._gallery.cache_clear()
        try:
            return handler.handler({"rebuild": "staff"}, None)
        finally:
            handler._gallery.cache_clear()

    def _gallery(self) -> Any:  # noqa: ANN401
        from facerec.gallery.gallery import Gallery
        from facerec.gallery.receipts import Erasures
        from facerec.jobs.job_data import JobFolders

        store = self.store
        erasures = Erasures(self._objects, f"s3://{BUCKET}/erasures/")
        return Gallery(
            FakeEngine(),
            faces=store,
            records=store,
            objects=Objects(),
            job_data=JobFolders(self._objects, f"s3://{BUCKET}/jobs/", erasures),
            erasures=erasures,
            on_close=store.close,
        )

    @property
    def store(self) -> SqliteStore:
        return SqliteStore(self.stack.store)
