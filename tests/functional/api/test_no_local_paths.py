"""No answer of a server, of any operation, names a folder of its machine."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from facerec.api.rekognition.model import service_model
from facerec.api.rekognition.operations import OPERATIONS
from facerec.cli.main import main
from facerec.factory import open_gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.rest_server import RestServer, ask_everything, operations, rest_server

CANARY = "canary-4e1a7"
"""Part of the path of every folder that the server knows."""

FACE = "00000000-0000-8000-8000-000000000000"
PHOTO = base64.b64encode(fake_photo(fake_face("ann"))).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(CANARY)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RestServer]:
    with rest_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def local(server: RestServer, folder: Path) -> dict[str, str]:
    """Names in a collection whose photos were indexed from this machine's folders."""
    del server
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    path = elsewhere / "ann.jpg"
    path.write_bytes(fake_photo(fake_face("ann", confidence=1.0)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_engine(monkeypatch)
        run_jobs_in_this_process(monkeypatch)
        words = ("index", str(elsewhere), "--collection", "local", "--external-ids", "path")
        data = str(folder / "data")
        run = CliRunner().invoke(main, [*words, "--workers", "1", "--data", data])
        assert run.exit_code == 0, run.output
        with open_gallery(folder / "data") as gallery:
            (face,) = gallery.list_faces("local").faces
            gallery.create_user("local", "ann")
            gallery.associate_faces("local", "ann", [face.record.face_id])
    assert CANARY in face.record.source
    assert face.record.external_image_id == "ann.jpg"
    return {"collection_id": "local", "face_id": face.record.face_id, "user_id": "ann"}


def test_no_answer_of_the_rest_api_names_a_local_path(server: RestServer) -> None:
    for answer in ask_everything(server):
        assert CANARY not in answer.sent, answer


def test_no_answer_about_photos_of_local_folders_names_them(
    server: RestServer, local: dict[str, str]
) -> None:
    names = {**local, "person": "ann", "cluster_id": "c1", "erasure_id": FACE, "job_id": "local-x"}
    with httpx.Client(base_url=server.address, timeout=60) as http:
        for operation_id, (method, path) in operations(server.app.openapi()).items():
            if method != "get":
                continue
            answer = http.get(path.format(**names))
            assert_without_path(f"{operation_id} {path}", answer)
        for subject in ({"user_id": "ann"}, {"external_image_id": "ann.jpg"}):
            answer = http.post("/api/v1/collections/local/exports", json=subject)
            assert_without_path(f"an export of {subject}", answer)
        found = http.get("/api/v1/collections/local/faces").json()["faces"]
        assert [face["source"] for face in found] == ["ann.jpg"]
        photo = {"collection_id": "local", "image": PHOTO}
        for route in ("match", "match-people", "find"):
            assert_without_path(route, http.post(f"/api/v1/face-recognition/{route}", json=photo))


def test_no_refusal_of_the_rest_api_names_a_local_path(
    server: RestServer, local: dict[str, str], folder: Path
) -> None:
    del local
    sources: list[dict[str, Any]] = [
        {"bucket": "photos", "key": key}
        for key in ("none.jpg", "broken.jpg", "../data/facerec.db", "ann.jpg/x", ".", "a\0b")
    ]
    sources += [{"bucket": "other", "key": "a.jpg"}, {"bucket": str(folder), "key": "a.jpg"}]
    sources += [{"image": "bm8gcGhvdG8="}, {"image": str(folder)}]
    with httpx.Client(base_url=server.address, timeout=60) as http:
        for route in ("index", "match", "match-people", "find", "detect", "compare"):
            for source in sources:
                body: dict[str, Any] = {"collection_id": "local", **source}
                if route == "compare":
                    body = {"source": source, "target": source}
                elif route == "detect":
                    del body["collection_id"]
                answer = http.post(f"/api/v1/face-recognition/{route}", json=body)
                assert answer.status_code >= 400
                # what the client itself has sent may be repeated
                if str(folder) not in str(source):
                    assert_without_path(f"{route} {source}", answer)
        for prefix in ("../", "none", "/"):
            job = {"collection_id": "local", "bucket": "photos", "prefix": prefix}
            answer = http.post("/api/v1/face-recognition/index", json=job)
            assert_without_path(f"a job of {prefix}", answer)


@pytest.mark.parametrize("collection_id", ["local", "none"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_answer_of_rekognition_s_protocol_names_a_local_path(
    server: RestServer, local: dict[str, str], operation: str, collection_id: str
) -> None:
    request: dict[str, Any] = {
        "CollectionId": collection_id,
        "FaceId": local["face_id"],
        "FaceIds": [local["face_id"]],
        "UserId": "ann",
        "ResourceArn": f"arn:aws:rekognition:eu-west-1:1:collection/{collection_id}",
        "Tags": {"a": "b"},
        "TagKeys": ["a"],
    }
    photos: list[dict[str, Any]] = [{"Bytes": PHOTO}, {"Bytes": "bm8gcGhvdG8="}]
    photos += [
        {"S3Object": {"Bucket": "photos", "Name": name}}
        for name in ("ann.jpg", "none.jpg", "broken.jpg", "../data/facerec.db")
    ]
    members = set(service_model().operation_model(operation).input_shape.members)
    with httpx.Client(base_url=server.address, timeout=60) as http:
        for photo in photos if members & {"Image", "SourceImage"} else [{}]:
            images = dict.fromkeys(("Image", "SourceImage", "TargetImage"), photo)
            body = {name: value for name, value in {**request, **images}.items() if name in members}
            if operation == "SearchUsers":
                del body["FaceId"]
            if operation in ("DeleteCollection", "DeleteFaces", "DeleteUser", "DisassociateFaces"):
                # what is asked later stays
                body["CollectionId"] = "none"
            headers = {"X-Amz-Target": f"RekognitionService.{operation}"}
            answer = http.post("/", json=body, headers=headers)
            assert_without_path(f"{operation} {photo}", answer)


def assert_without_path(what: str, answer: httpx.Response) -> None:
    sent = f"{answer.headers}\n{answer.content.decode('latin-1')}"
    assert CANARY not in sent, (what, sent[:500])
