"""The function of the API, as Lambda runs it, with real models."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto import mock_aws

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.api.step_functions_jobs import StepFunctionsJobs
from facerec.core.schemas import violation
from facerec.storage.access_keys import new_access_key
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.secrets import SecretsManagerKeys
from facerec.storage.sqlite import SqliteStore
from lambdas.api.answers import checked_answer
from lambdas.api.building import build_app, for_lambda
from lambdas.api.handler import LARGEST_BODY, handler
from tests.functional.api.conftest import Switchboard, rekognition_client
from tests.support.gallery import Collaborators
from tests.support.rie import EmulatedFunction, emulated_function

PHOTOS = Path(__file__).parents[3] / "examples" / "photos"
HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedFunction]:
    folder = tmp_path_factory.mktemp("lambda")
    environment = {
        "FACEREC_STORE": f"sqlite:///{folder}/facerec.db",
        "AWS_S3_BUCKET": "facerec-work",
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "FACEREC_THREADS": "1",
    }
    with emulated_function("lambdas.api.handler.handler", environment, folder / "log") as running:
        yield running


def test_cold_and_warm_requests_are_answered(function: EmulatedFunction) -> None:
    made = function.invoke(rest_event("POST", "/api/v1/collections", {"collection_id": "people"}))
    assert made["statusCode"] in (201, 409)
    document = {"collection_id": "people", "image": photo("barack-obama-1.jpg")}
    indexed = function.invoke(rest_event("POST", "/api/v1/face-recognition/index", document))
    assert indexed["statusCode"] == 200
    document["image"] = photo("barack-obama-2.jpg")
    matched = function.invoke(rest_event("POST", "/api/v1/face-recognition/match", document))
    result = json.loads(matched["body"])
    assert violation("match-result", result) is None
    assert [face["decision"] for face in result["faces"]] == ["match"]


def test_rekognitions_protocol_is_spoken_behind_both_kinds_of_gateway(
    function: EmulatedFunction,
) -> None:
    for event in (rest_event, http_event):
        answer = function.invoke(
            event("POST", "/", {}, target="RekognitionService.ListCollections")
        )
        assert answer["statusCode"] == 200
        assert "CollectionIds" in json.loads(answer["body"])


def test_a_photo_as_large_as_an_event_may_carry_is_looked_at(function: EmulatedFunction) -> None:
    content = base64.b64encode(b"no photo" * 560_000).decode()
    fitting = json.dumps({"image": content}).ljust(LARGEST_BODY)
    assert len(fitting) == LARGEST_BODY
    answer = function.invoke(rest_event("POST", "/api/v1/face-recognition/detect", fitting))
    assert answer["statusCode"] == 422
    assert "cannot be read" in json.loads(answer["body"])["detail"]


def test_a_larger_photo_is_refused_with_a_word_on_what_to_do(function: EmulatedFunction) -> None:
    body = " " * (LARGEST_BODY + 1)
    answer = function.invoke(rest_event("POST", "/api/v1/face-recognition/detect", body))
    assert answer["statusCode"] == 413
    assert "bucket and key" in json.loads(answer["body"])["detail"]


def test_only_allowed_buckets_are_read(function: EmulatedFunction) -> None:
    document = {"bucket": "another-bucket", "key": "photo.jpg"}
    answer = function.invoke(rest_event("POST", "/api/v1/face-recognition/detect", document))
    assert answer["statusCode"] == 403


def test_an_answer_that_lambda_cannot_carry_becomes_a_problem() -> None:
    large = {"statusCode": 200, "body": "x" * 101}
    refused = checked_answer(rest_event("GET", "/", None), large, 100)
    assert refused["statusCode"] == 422
    assert "fewer" in json.loads(refused["body"])["detail"]
    event = rest_event("POST", "/", {}, target="RekognitionService.ListFaces")
    assert json.loads(checked_answer(event, large, 100)["body"])["__type"]
    assert checked_answer(event, {"body": "x"}, 100) == {"body": "x"}


def test_a_function_that_lacks_a_setting_says_so_without_a_stack_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FACEREC_STORE", raising=False)
    monkeypatch.delenv("PINECONE_API_KEY", raising=False)
    answer = handler(rest_event("GET", "/api/v1/health", None), None)
    assert answer["statusCode"] == 503
    assert violation("problem", json.loads(answer["body"])) is None


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_requests_are_checked_against_keys_in_secrets_manager(tmp_path: Path) -> None:
    keys = SecretsManagerKeys(boto3.client("secretsmanager", region_name="eu-west-1"), "keys")
    key = new_access_key((), writes=True, note="")
    keys.put_access_key(key)
    environment = {
        "FACEREC_STORE": f"sqlite:///{tmp_path}/facerec.db",
        "AWS_S3_BUCKET": "facerec-work",
        "AWS_REGION": "eu-west-1",
        "ACCESS_KEYS_PREFIX": "keys",
    }
    application = for_lambda(build_app(environment, LARGEST_BODY))
    # behind a stage, whose name the client signs and the path lacks
    target = "RekognitionService.ListCollections"
    for secret, status in ((key.secret, 200), (key.secret[::-1], 400)):
        signed = AWSRequest(
            "POST",
            f"https://{HOST}/prod/",
            headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
            data=b"{}",
        )
        credentials = Credentials(key.access_key_id, secret)
        SigV4Auth(credentials, "rekognition", "eu-west-1").add_auth(signed)
        for make, stage in ((rest_event, ""), (http_event, "/prod")):
            event = make("POST", f"{stage}/", {})
            event["headers"] = {"Host": HOST, **dict(signed.headers)}
            event.pop("multiValueHeaders", None)
            assert application(event, None)["statusCode"] == status


@pytest.mark.usefixtures("aws")
def test_records_in_dynamodb_serve_an_unchanged_client(
    tmp_path: Path, switchboard: tuple[Switchboard, str]
) -> None:
    table = boto3.client("dynamodb", region_name="eu-west-1")
    names = ("pk", "sk")
    table.create_table(
        TableName="facerec",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
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
    jobs = StepFunctionsJobs(client, machine, objects=None)
    document = {"collection_id": "a.b", "manifest": "s3://photos/manifest.jsonl"}
    started = jobs.start(document)
    assert started.status == "RUNNING"
    state = jobs.state(started.job_id)
    assert state.collection_id == "a.b"
    assert [one.job_id for one in jobs.states(5)] == [started.job_id]


def photo(name: str) -> str:
    return base64.b64encode((PHOTOS / name).read_bytes()).decode()


def rest_event(method: str, path: str, body: object, target: str | None = None) -> dict[str, Any]:
    """Return an event of a REST API (payload version 1.0)."""
    headers = {"Host": HOST, "Content-Type": "application/json"}
    if target is not None:
        headers["X-Amz-Target"] = target
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def http_event(method: str, path: str, body: object, target: str | None = None) -> dict[str, Any]:
    """Return an event of an HTTP API (payload version 2.0)."""
    headers = {"host": HOST, "content-type": "application/json"}
    if target is not None:
        headers["x-amz-target"] = target
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "stage": "prod",
        },
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
