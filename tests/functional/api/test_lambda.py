"""The function of the API, as Lambda runs it, with real models."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.core.schemas import violation
from facerec.errors import JobFolderError
from facerec.jobs.aws.executions import Executions
from facerec.jobs.aws.jobs import AwsJobs
from facerec.jobs.status import JobStatus
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from lambdas.api.answers import checked_answer
from lambdas.api.handler import MAX_BODY, handler
from tests.support.api import Switchboard, rekognition_client
from tests.support.empty_bucket import empty_bucket
from tests.support.gallery import Collaborators
from tests.support.gateway_events import USER_ARN, rest_event
from tests.support.rie import EmulatedFunction, emulated_function
from tests.support.stack_template import create_table

MAX_EVENT = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

PHOTOS = Path(__file__).parents[3] / "examples" / "photos"


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedFunction]:
    folder = tmp_path_factory.mktemp("lambda")
    table = folder / "access.json"
    grants = [{"principal": USER_ARN, "collections": "*", "access": "write"}]
    table.write_text(json.dumps({"grants": grants}))
    environment = {
        "FACEREC_STORE": f"sqlite:///{folder}/facerec.db",
        "AWS_S3_BUCKET": "facerec-work",
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "FACEREC_THREADS": "1",
        "API_AUTHORIZATION": "AWS_IAM",
        "ACCESS_TABLE": str(table),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    # Before it adds faces, the function looks for a deletion of the collection.
    with empty_bucket() as environment["AWS_ENDPOINT_URL_S3"]:
        log = folder / "log"
        with emulated_function("lambdas.api.handler.handler", environment, log) as running:
            yield running


def test_cold_and_warm_requests_are_answered(function: EmulatedFunction) -> None:
    made = function.invoke(event("POST", "/api/v1/collections", {"collection_id": "people"}))
    assert made["statusCode"] in (201, 409)
    document = {"collection_id": "people", "image": photo("barack-obama-1.jpg")}
    indexed = function.invoke(event("POST", "/api/v1/face-recognition/index", document))
    assert indexed["statusCode"] == 200
    document["image"] = photo("barack-obama-2.jpg")
    matched = function.invoke(event("POST", "/api/v1/face-recognition/match", document))
    result = json.loads(matched["body"])
    assert violation("match-result", result) is None
    assert [face["decision"] for face in result["faces"]] == ["match"]


def test_rekognitions_protocol_is_spoken_behind_the_gateway(function: EmulatedFunction) -> None:
    answer = function.invoke(event("POST", "/", {}, target="RekognitionService.ListCollections"))
    assert answer["statusCode"] == 200
    assert "CollectionIds" in json.loads(answer["body"])


def test_a_photo_as_large_as_an_event_allows_is_processed(function: EmulatedFunction) -> None:
    content = base64.b64encode(b"no photo" * 420_000).decode()
    fitting = json.dumps({"image": content}).ljust(MAX_BODY)
    assert len(fitting) == MAX_BODY
    request = event("POST", "/api/v1/face-recognition/detect", fitting)
    # The gateway sends headers of up to 10,240 bytes, and each of them twice.
    assert len(json.dumps(request)) + 2 * 10_240 < MAX_EVENT
    answer = function.invoke(request)
    assert answer["statusCode"] == 422
    assert "cannot be read" in json.loads(answer["body"])["detail"]


def test_a_larger_photo_is_refused_with_a_hint(function: EmulatedFunction) -> None:
    body = " " * (MAX_BODY + 1)
    answer = function.invoke(event("POST", "/api/v1/face-recognition/detect", body))
    assert answer["statusCode"] == 413
    assert "bucket and key" in json.loads(answer["body"])["detail"]


def test_only_allowed_buckets_are_read(function: EmulatedFunction) -> None:
    document = {"bucket": "another-bucket", "key": "photo.jpg"}
    answer = function.invoke(event("POST", "/api/v1/face-recognition/detect", document))
    assert answer["statusCode"] == 403


def test_a_response_too_large_for_lambda_becomes_a_problem() -> None:
    large = {"statusCode": 200, "body": "x" * 101}
    request = event("GET", "/", None)
    refused = checked_answer(request, large, 100)
    assert refused["statusCode"] == 422
    assert "fewer" in json.loads(refused["body"])["detail"]
    request = event("POST", "/", {}, target="RekognitionService.ListFaces")
    assert json.loads(checked_answer(request, large, 100)["body"])["__type"]
    assert checked_answer(request, {"body": "x"}, 100) == {"body": "x"}


@pytest.mark.parametrize("text", ['"' * 45, "é" * 20, "😀" * 10])
def test_a_response_that_is_too_large_only_as_json_becomes_a_problem(text: str) -> None:
    refused = checked_answer(event("GET", "/", None), {"statusCode": 200, "body": text}, 100)
    assert refused["statusCode"] == 422


def test_a_location_leads_through_the_stage(function: EmulatedFunction) -> None:
    made = function.invoke(event("POST", "/api/v1/collections", {"collection_id": "located"}))
    assert made["statusCode"] == 201
    assert made["headers"]["location"] == "/v1/api/v1/collections/located"


def test_a_location_at_a_host_name_of_ones_own_has_no_stage(function: EmulatedFunction) -> None:
    request = event("POST", "/api/v1/collections", {"collection_id": "hosted"})
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    request["requestContext"] |= {"path": request["path"], "domainName": "faces.example.com"}
    made = function.invoke(request)
    assert made["statusCode"] == 201
    assert made["headers"]["location"] == "/api/v1/collections/hosted"


def test_a_missing_setting_is_reported_without_a_stack_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FACEREC_STORE", raising=False)
    monkeypatch.delenv("PINECONE_API_KEY", raising=False)
    answer = handler(event("GET", "/api/v1/health", None), None)
    assert answer["statusCode"] == 503
    assert violation("problem", json.loads(answer["body"])) is None


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_records_in_dynamodb_serve_an_unchanged_client(
    tmp_path: Path, switchboard: tuple[Switchboard, str]
) -> None:
    table = boto3.client("dynamodb", region_name="eu-west-1")
    create_table(table, "facerec")
    with SqliteStore(tmp_path / "facerec.db") as faces:
        gallery = Collaborators(faces, DynamoDBStore(table, "facerec")).gallery()
        board, address = switchboard
        board.app = create_app(gallery, AppSettings(OpenGuard()))
        client = rekognition_client(address)
        client.create_collection(CollectionId="staff", Tags={"team": "a"})
        client.create_user(CollectionId="staff", UserId="ann")
        assert client.list_collections()["CollectionIds"] == ["staff"]
        assert [user["UserId"] for user in client.list_users(CollectionId="staff")["Users"]] == [
            "ann"
        ]


@pytest.mark.usefixtures("aws")
def test_a_job_is_an_execution_of_the_state_machine() -> None:
    client = boto3.client("stepfunctions", region_name="eu-west-1")
    machine = client.create_state_machine(
        name="facerec",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    jobs = AwsJobs(Executions(machine, client), LocalObjects(), "s3://work/jobs/")
    document = {"collection_id": "a.b", "manifest": "s3://photos/manifest.jsonl"}
    started = jobs.submit(document)
    assert started.status is JobStatus.RUNNING
    assert jobs.get(started.id).collection_id == "a.b"
    assert [job.id for job in jobs.list(5)] == [started.id]


@pytest.mark.usefixtures("aws")
def test_a_job_that_another_release_wrote_is_deleted(tmp_path: Path) -> None:
    client = boto3.client("stepfunctions", region_name="eu-west-1")
    machine = client.create_state_machine(
        name="facerec",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    jobs = AwsJobs(Executions(machine, client), LocalObjects(), f"{tmp_path}/")
    plan = tmp_path / "staff-1" / "plan.json"
    plan.parent.mkdir()
    plan.write_text('{"job_id": "staff-1", "collection_id": "staff"}')
    with pytest.raises(JobFolderError, match="another release"):
        jobs.get("staff-1")

    assert jobs.delete(jobs.get("staff-1", readable=False)) == 1

    assert not plan.parent.exists()


def photo(name: str) -> str:
    return base64.b64encode((PHOTOS / name).read_bytes()).decode()


def event(method: str, path: str, document: object, target: str | None = None) -> dict[str, Any]:
    """Return an event of the stack's API."""
    headers = {} if target is None else {"X-Amz-Target": target}
    return rest_event(method, path, document, authorization="AWS_IAM", headers=headers)
