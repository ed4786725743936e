"""A live REST server over the fake engine, with jobs, and a request for each of its operations."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

import facerec.factory.engines
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.factory import open_local_jobs, open_local_store, open_server_gallery
from facerec.storage.objects import AccessPolicy
from facerec.testing.engine import FakeAttributes, FakeEngine, fake_face, fake_photo
from tests.support.job_doors import use_fake_engine
from tests.support.server import running

# faces that every minimum confidence accepts
ANN = fake_photo(fake_face("ann", confidence=1.0))
GROUP = fake_photo(
    fake_face("ann", width=0.3, confidence=1.0), fake_face("bob", left=0.6, confidence=1.0)
)


NO_FACE = "00000000-0000-8000-8000-000000000000"


class AnnInRealPhotos(FakeEngine):
    """Finds Ann in photos that can be decoded too, so that they have thumbnails."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        return super().analyse(
            [ANN if photo.startswith(b"\x89PNG") else photo for photo in photos], options
        )


@dataclass(frozen=True)
class RestServer:
    """A server, and the address where it listens."""

    app: FastAPI
    address: str


@dataclass(frozen=True)
class Answered:
    """A request of ours and the answer of a server.

    Attributes:
        operation_id: Id of the operation.
        method: Its method.
        path: Template of its path.
        parameters: What fills the template.
        request: The rest of the request, as ``httpx`` takes it: ``json``, ``params``, ``data`` and
            ``files``.
        status: Status of the answer.
        document: The answer, if it is JSON.
        sent: The whole answer, with its headers.
        content: The bytes of its body.
        media_type: Their type.
    """

    operation_id: str
    method: str
    path: str
    parameters: dict[str, str]
    request: dict[str, Any]
    status: int
    document: Any
    sent: str
    content: bytes
    media_type: str


@contextmanager
def rest_server(folder: Path) -> Iterator[RestServer]:
    """Serve a folder as the bucket ``photos``."""
    data, photos = folder / "data", folder / "photos"
    data.mkdir()
    photos.mkdir()
    (photos / "ann.jpg").write_bytes(ANN)
    (photos / "broken.jpg").write_bytes(b"no photo")
    Image.new("RGB", (640, 480), "red").save(photos / "real.png")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_engine(monkeypatch)
        monkeypatch.setattr(facerec.factory.engines, "open_attribute_networks", FakeAttributes)
        policy = AccessPolicy({"photos": photos}, frozenset(), f"{data}/jobs/")
        jobs = open_local_jobs(data, workers=1, policy=policy)
        engine = AnnInRealPhotos()
        recipes = {"fast": engine, "accurate": FakeEngine("fake-accurate")}
        with (
            open_local_store(data) as store,
            open_server_gallery(data, store, engine, policy, recipes=recipes) as gallery,
        ):
            app = create_app(gallery, AppSettings(OpenGuard(), jobs=jobs))
            with running(app) as address:
                yield RestServer(app, address)


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return method and path of each operation of an OpenAPI document."""
    return {
        operation["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def ask_everything(server: RestServer) -> list[Answered]:
    """Send a request, or several, to each operation; return the answers."""
    known = operations(server.app.openapi())
    answers = []

    with httpx.Client(base_url=server.address, timeout=60) as http:

        def ask(operation_id: str, request: dict[str, Any] | None = None, **path: str) -> Any:  # noqa: ANN401
            method, template = known[operation_id]
            response = http.request(method, template.format(**path), **(request or {}))
            media_type = response.headers.get("content-type", "")
            document = response.json() if "json" in media_type else None
            answers.append(
                Answered(
                    operation_id,
                    method,
                    template,
                    path,
                    request or {},
                    response.status_code,
                    document,
                    f"{response.headers}\n{response.content.decode('latin-1')}",
                    response.content,
                    media_type,
                )
            )
            return document

        staff = {"collection_id": "staff"}
        image = base64.b64encode(GROUP).decode()
        ask("create_collection", {"json": staff})
        ask("create_collection", {"json": staff})
        (face, second, *_) = ask(
            "index", {"json": {**staff, "image": image, "external_image_id": "group"}}
        )["faces"]
        face_path = {**staff, "face_id": face["face_id"]}
        ask("index", {"data": {**staff, "max_faces": "1"}, "files": {"image": GROUP}})
        job = ask("index", {"json": {**staff, "bucket": "photos", "prefix": ""}})
        ask("match", {"json": {**staff, "image": image, "index": True, "max_faces": 1}})
        ask("match", {"json": {**staff, "bucket": "photos", "key": "none.jpg"}})
        ask("compare", {"json": {"source": {"image": image}, "target": {"image": image}}})
        ask("detect", {"json": {"image": image, "max_faces": 1, "attributes": True}})
        ask("create_collection", {"json": {"collection_id": "visitors"}})
        ask("list_collections", {"params": {"limit": 1}})
        ask("describe_collection", **staff)
        ask("refresh_stats", {"params": {"limit": 1}}, **staff)
        moved = {"collection_id": "moved"}
        ask("create_collection", {"json": moved})
        ask("prepare_migration", {"json": {"recipe": "accurate"}}, **moved)
        ask("cancel_migration", **moved)
        ask("prepare_migration", {"json": {"recipe": "accurate"}}, **moved)
        ask("switch_version", **moved)
        ask("finish_migration", **moved)
        ask("migration_status", **moved)
        ask("list_faces", {"params": {"limit": 1}}, **staff)
        ask("get_thumbnail", **face_path)  # its photo was sent, and is not kept
        ask("match_face", **face_path)
        ask("set_threshold", {"json": {"threshold": 0.9}}, **staff)
        ask("remove_threshold", **staff)
        ask("not_same", **face_path, person=second["face_id"])
        ask("list_corrections", **staff)
        ask("lift_correction", **face_path, person=second["face_id"])
        person = {**staff, "user_id": "ann"}
        ask("create_person", {"json": {"user_id": "ann"}}, **staff)
        ask("add_faces", {"json": {"face_ids": [face["face_id"], NO_FACE]}}, **person)
        ask("rename_person", {"json": {"name": "Ann"}, "params": {"why": "asked"}}, **person)
        ask("remove_name", **person)
        (entry, *_) = ask("list_history", **staff)["entries"]
        ask("undo_change", **staff, entry_id=entry["entry_id"])
        ask("create_person", {"json": {"user_id": "bob"}}, **staff)
        ask("add_faces", {"json": {"face_ids": [second["face_id"]]}}, **staff, user_id="bob")
        consent = {"consent": "2020-01-01", "expires": "2099-01-01"}
        ask("register_person", {"json": consent}, **person)
        ask("list_events", **staff)
        ask("retry_events", **staff)
        ask("unregister_person", **person)
        ask("merge_people", {"json": {"other_id": "bob"}}, **person)
        ask(
            "split_person",
            {"json": {"user_id": "bob", "face_ids": [second["face_id"]]}},
            **person,
        )
        ask("describe_person", **person)
        ask("list_people", **staff)
        ask("match_people", {"json": {**staff, "image": image}})
        ask("match_person", **person)
        ask("find_person", {"params": {"limit": 1}}, **person)
        ask("find", {"json": {**staff, "image": image, "doubtful": True}})
        ask("match_face_to_people", **face_path)
        ask("cluster_faces", {"json": {}}, **staff)
        ask("describe_clustering", **staff)
        clusters = ask("list_clusters", **staff)["clusters"]
        named = {**staff, "cluster_id": clusters[0]["cluster_id"]}
        ask("describe_cluster", **named)
        ask("ignore_cluster", **named)
        ask("restore_cluster", **named)
        ask("not_same_cluster", **named, person="bob")
        ask("not_a_face", **staff, face_id=clusters[0]["best_face_id"])
        ask("lift_not_a_face", **staff, face_id=clusters[0]["best_face_id"])
        ask("cluster_faces", {"json": {}}, **staff)
        cluster_id = ask("list_clusters", **staff)["clusters"][0]["cluster_id"]
        ask("name_cluster", {"json": {"user_id": "eve"}}, **staff, cluster_id=cluster_id)
        ask("remove_face", **person, face_id=face["face_id"])
        ask("delete_person", **person)

        def wait_for(job: dict[str, Any]) -> None:
            deadline = time.monotonic() + 120
            while ask("get_job", job_id=job["job_id"])["status"] in ("PENDING", "RUNNING"):
                del answers[-1]
                assert time.monotonic() < deadline
                time.sleep(0.1)

        wait_for(job)
        # The first list was asked for while the job ran.
        sources = {face["source"] for face in ask("list_faces", **staff)["faces"]}
        assert "s3://photos/ann.jpg" in sources, "the job's face is not listed"
        ask("list_jobs")
        ask("cancel_job", job_id=job["job_id"])
        other = {"collection_id": "visitors", "bucket": "photos", "prefix": ""}
        job = ask("index", {"json": other})
        ask("cancel_job", job_id=job["job_id"])
        wait_for(job)
        photo = {**staff, "bucket": "photos", "key": "real.png"}
        (stored,) = ask("index", {"json": photo})["faces"]
        ask("get_thumbnail", **staff, face_id=stored["face_id"])
        for pattern in ("{person}.jpg", "{person}/*.jpg"):
            ask("enrol_people", {"json": {"bucket": "photos", "pattern": pattern}}, **staff)
        ask("check_health")
        ask("delete_face", **face_path)
        ask("set_retention", {"json": {"days": 30}}, **staff)
        ask("describe_collection", **staff)
        ask("remove_retention", **staff)
        ask("export", {"json": {"external_image_id": "group"}}, **staff)
        receipt = ask("erase", {"json": {"external_image_id": "group"}}, **staff)
        ask("list_erasures", **staff)
        ask("get_erasure", **staff, erasure_id=receipt["erasure_id"])
        ask("delete_collection", **staff)
    asked = {answer.operation_id for answer in answers}
    assert asked == known.keys(), f"not asked: {known.keys() - asked}"
    succeeded = {answer.operation_id for answer in answers if answer.status < 400}
    assert succeeded == known.keys(), f"only problems: {known.keys() - succeeded}"
    return answers
