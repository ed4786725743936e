"""Clients of a server see no path of its machine, and no hint that is meant for its operator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.api.rekognition.errors import rekognition_error
from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    NoCredentialsError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)
from facerec.factory.local import (
    jobs_root_of,
    open_local_jobs,
    open_local_store,
    open_server_gallery,
)
from facerec.storage.objects import AccessPolicy
from facerec.testing.engine import FakeEngine
from tests.support.error_examples import ERRORS, example_of
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos

INDEX = "/api/v1/face-recognition/index"
FOR_OPERATORS = (
    AccessDeniedError,
    ConfigurationError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of a server whose bucket ``photos`` is a folder."""
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    write_photos(tmp_path / "photos", 2, faces=1)
    policy = AccessPolicy({"photos": tmp_path / "photos"}, set(), jobs_root_of(data))
    jobs = open_local_jobs(data, workers=1, policy=policy)
    with open_server_gallery(data, open_local_store(data), FakeEngine(), policy) as gallery:
        app = create_app(gallery, AppSettings(OpenGuard(), jobs=jobs))
        yield TestClient(app, base_url="http://localhost")


def test_no_answer_names_a_path_of_the_server(client: TestClient, tmp_path: Path) -> None:
    request = {"collection_id": "staff", "bucket": "photos", "prefix": ""}
    started = run_job(client, request)
    job = started.headers["Location"]
    collection = "/api/v1/collections/staff"
    faces = client.get(f"{collection}/faces").json()["faces"]
    face = f"{collection}/faces/{faces[0]['face_id']}"
    (folder,) = (tmp_path / "data" / "jobs").glob("staff-*")

    answers = [
        started,
        client.post(INDEX, json=request),
        *(client.get(path) for path in (job, "/api/v1/jobs", "/api/v1/collections", collection)),
        *(client.get(path) for path in (f"{collection}/faces", f"{face}/matches")),
        client.get(f"{collection}/people"),
        client.post(f"{job}/cancel"),
        client.post(INDEX, json={**request, "prefix": "../"}),
        client.post(INDEX, json={"collection_id": "staff", "bucket": "photos", "key": "../x"}),
        client.post(f"{collection}/erasures", json={"face_id": faces[1]["face_id"]}),
        client.get(f"{collection}/erasures"),
        client.delete(face),
    ]
    (folder / "plan.json").write_text("{")
    answers += [client.get(job), client.get("/api/v1/jobs"), client.delete(collection)]

    assert len(faces) == 2
    for answer in answers:
        assert str(tmp_path) not in answer.text, answer.request.url


def test_an_erasure_from_a_damaged_file_gives_no_advice_for_the_operator(
    client: TestClient, tmp_path: Path
) -> None:
    run_job(client, {"collection_id": "staff", "bucket": "photos", "prefix": ""})
    face_id = client.get("/api/v1/collections/staff/faces").json()["faces"][0]["face_id"]
    (segment,) = (tmp_path / "data" / "jobs").glob("staff-*/ledger/*/*.jsonl")
    header = segment.read_text().splitlines()[0]
    segment.write_text(f"{header}\n{{{face_id}\n")
    answer = client.post("/api/v1/collections/staff/erasures", json={"face_id": face_id})
    assert answer.status_code == 422
    assert "damaged" in answer.json()["detail"]
    assert "hint" not in answer.json()


def test_a_key_out_of_reach_is_refused_without_advice_for_the_operator(client: TestClient) -> None:
    for key in ("../x", "a/../../x"):
        address = "/api/v1/face-recognition/detect"
        answer = client.post(address, json={"bucket": "photos", "key": key})
        assert answer.status_code == 403
        assert "hint" not in answer.json()


@pytest.mark.parametrize("kind", ERRORS)
def test_hints_for_operators_stay_on_the_server(kind: type[FacerecError]) -> None:
    error = example_of(kind)
    error.hint = error.hint or "the hint"
    answer = answer_of(error)
    if kind.hint_is_for_operator:
        assert "hint" not in answer
    else:
        assert answer["hint"] == error.hint
    assert str(error.hint) not in rekognition_error(error).message


@pytest.mark.parametrize("kind", ERRORS)
def test_no_error_tells_a_client_a_path_of_the_server(kind: type[FacerecError]) -> None:
    path = "/srv/face-data/staff/facerec.db"
    error = example_of(kind, path)
    for answer in (answer_of(error), rekognition_error(error).message):
        assert "/srv" not in str(answer)
        assert "facerec.db" not in str(answer)


def test_errors_of_the_deployment_have_hints_for_operators() -> None:
    for kind in ERRORS:
        if issubclass(kind, FOR_OPERATORS) and kind.__name__ != "ObjectArchivedError":
            assert kind.hint_is_for_operator, kind


def test_a_server_without_credentials_says_that_it_does_not_read_from_s3() -> None:
    answer = answer_of(NoCredentialsError())
    assert (answer["status"], answer["detail"]) == (
        403,
        "this server does not have this bucket, and reads nothing from S3",
    )


def run_job(client: TestClient, request: dict[str, str]) -> Response:
    """Index photos as a job until it has ended; return the answer that started it."""
    started = client.post(INDEX, json=request)
    assert started.status_code == 202, started.text
    deadline = time.monotonic() + 60
    while client.get(started.headers["Location"]).json()["status"] in ("PENDING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return started


def answer_of(error: FacerecError) -> dict[str, Any]:
    """Return the problem document of an error."""
    BROKEN.error = error
    document: dict[str, Any] = client_of_broken().get("/api/v1/collections").json()
    return document


class Broken:
    """A gallery whose every operation fails."""

    error: FacerecError

    def __getattr__(self, name: str) -> object:
        raise self.error


BROKEN = Broken()


@cache
def client_of_broken() -> TestClient:
    app = create_app(BROKEN, AppSettings(OpenGuard()))  # type: ignore[arg-type]
    return TestClient(app, base_url="http://localhost")
