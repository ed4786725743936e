"""The function behind API Gateway fails closed, and the access table decides who may do what."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.api.auth.gateway import ApiAuthorization, issuer_of
from facerec.api.auth.grants import TABLE_LIFETIME, AccessTable, Caller
from facerec.errors import (
    AccessDeniedError,
    FacerecError,
    InvalidInputError,
    NoCredentialsError,
    StoreUnavailableError,
)
from facerec.factory import engines
from facerec.storage.objects import Objects
from facerec.testing.engine import FakeEngine
from lambdas.api.building import build_app, for_lambda
from lambdas.api.handler import MAX_BODY
from tests.support.gateway_events import ACCOUNT, ISSUER, OPEN, POOL_ARN, USER_ARN, rest_event

MODES = tuple(ApiAuthorization)
EVERYBODY = [
    {"principal": USER_ARN, "collections": "*", "access": "write"},
    {"group": "staff", "collections": "*", "access": "write"},
]
Function = Callable[..., dict[str, Any]]
Deploy = Callable[..., Function]


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="facerec-work")
        yield


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


@pytest.fixture
def deploy(tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Return how the function is deployed for a mode, with a table of grants."""
    monkeypatch.setattr(engines, "open_deployed_engine", lambda *_: FakeEngine())

    def deploy(mode: str, grants: list[dict[str, Any]] | None = EVERYBODY) -> Function:
        if grants is not None:
            table.write_text(json.dumps({"grants": grants}))
        environment = {
            "FACEREC_STORE": f"sqlite:///{tmp_path}/facerec.db",
            "FACEREC_THREADS": "1",
            "AWS_S3_BUCKET": "facerec-work",
            "API_AUTHORIZATION": mode,
            "COGNITO_USER_POOL_ARN": POOL_ARN,
            "ACCESS_TABLE": str(table),
        }
        application = for_lambda(build_app(environment, MAX_BODY))

        def call(method: str, path: str, document: object = None, **event: Any) -> dict[str, Any]:  # noqa: ANN401
            event.setdefault("authorization", mode)
            if event["authorization"] == "COGNITO":
                event.setdefault("claims", {"cognito:groups": "staff"})
            return application(rest_event(method, path, document, **event), None)

        return call

    return deploy


@pytest.mark.parametrize("mode", MODES)
def test_a_caller_whom_the_gateway_has_authenticated_is_answered(deploy: Deploy, mode: str) -> None:
    assert deploy(mode)("GET", "/api/v1/collections")["statusCode"] == 200


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("served", [*MODES, OPEN])
def test_a_stage_that_still_serves_another_authorization_opens_nothing(
    deploy: Deploy, mode: str, served: str
) -> None:
    # After a change of the parameter the function has the new mode and the stage may have the old.
    function = deploy(mode)
    expected = 200 if served == mode else 403
    for method, path in (
        ("GET", "/api/v1/collections"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/api/v1/health"),
        ("OPTIONS", "/api/v1/collections"),
    ):
        status = function(method, path, authorization=served)["statusCode"]
        allowed = {expected} if method == "GET" else {403, 405}
        assert status in allowed, (path, status)
    target = {"X-Amz-Target": "RekognitionService.ListCollections"}
    answer = function("POST", "/", {}, authorization=served, headers=target)
    assert (answer["statusCode"] == 200) is (served == mode)


@pytest.mark.parametrize("mode", MODES)
def test_headers_of_a_client_prove_nothing(deploy: Deploy, mode: str) -> None:
    forged = {
        "X-HTTP-Method-Override": "GET",
        "x-amzn-request-context": json.dumps({"identity": {"userArn": USER_ARN}}),
        "requestContext": json.dumps({"identity": {"userArn": USER_ARN}}),
    }
    for method in ("GET", "OPTIONS"):
        answer = deploy(mode)(method, "/api/v1/collections", authorization=OPEN, headers=forged)
        assert answer["statusCode"] in (403, 405)


def test_tokens_of_another_user_pool_are_refused(deploy: Deploy) -> None:
    claims = {"iss": f"{ISSUER}x", "cognito:groups": "staff"}
    answer = deploy("COGNITO")("GET", "/api/v1/collections", claims=claims)
    assert answer["statusCode"] == 403


@pytest.mark.parametrize("mode", MODES)
def test_without_a_table_nobody_may_do_anything(deploy: Deploy, mode: str) -> None:
    assert deploy(mode, grants=None)("GET", "/api/v1/collections")["statusCode"] == 403


@pytest.mark.parametrize("content", ["", "[]", '{"grants": [{"principal": "*"}]}'])
def test_a_table_that_cannot_be_used_refuses_everybody(
    deploy: Deploy, table: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    table.write_text(content)
    assert deploy("AWS_IAM", grants=None)("GET", "/api/v1/collections")["statusCode"] == 403
    assert "the access table" in caplog.text


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AccessDeniedError("s3://facerec-work/access.json"), "AccessDeniedError"),
        (NoCredentialsError(), "NoCredentialsError"),
        (StoreUnavailableError("S3 does not answer"), "StoreUnavailableError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_caller_may_try_again_if_the_table_cannot_be_read(
    deploy: Deploy,
    error: FacerecError,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    function = deploy("AWS_IAM")
    monkeypatch.setattr(Objects, "read", fail)
    answer = function("GET", "/api/v1/collections")
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")
    assert json.loads(answer["body"])["status"] == 503
    target = {"X-Amz-Target": "RekognitionService.ListCollections"}
    answer = function("POST", "/", {}, headers=target)
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["__type"] == "InternalServerError"
    assert f"senders of requests cannot be checked ({reason})" in caplog.text
    assert "access.json" not in caplog.text + answer["body"]


def test_a_grant_is_for_its_collections_and_for_reading_or_writing(deploy: Deploy) -> None:
    admin = f"arn:aws:iam::{ACCOUNT}:user/admin"
    function = deploy(
        "AWS_IAM",
        [
            {"principal": admin, "collections": "*", "access": "write"},
            {"principal": USER_ARN, "collections": ["door", "staff"], "access": "read"},
            {"principal": USER_ARN, "collections": ["door"], "access": "write"},
        ],
    )
    for name in ("door", "staff", "secret"):
        made = function("POST", "/api/v1/collections", {"collection_id": name}, arn=admin)
        assert made["statusCode"] == 201

    def status(method: str, path: str) -> int:
        code: int = function(method, f"/api/v1/collections/{path}")["statusCode"]
        return code

    assert (status("GET", "door"), status("GET", "staff"), status("GET", "secret")) == (
        200,
        200,
        403,
    )
    assert (status("DELETE", "staff"), status("DELETE", "secret")) == (403, 403)
    assert status("DELETE", "door") == 204
    listed = json.loads(function("GET", "/api/v1/collections")["body"])
    assert [found["collection_id"] for found in listed["collections"]] == ["staff"]


def test_a_session_of_a_role_has_the_grants_of_the_role(deploy: Deploy) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/service/doors"
    function = deploy("AWS_IAM", [{"principal": role, "collections": "*", "access": "read"}])
    for account, name, status in (
        (ACCOUNT, "doors", 200),
        (ACCOUNT, "windows", 403),
        ("999999999999", "doors", 403),
    ):
        arn = f"arn:aws:sts::{account}:assumed-role/{name}/camera-7"
        assert function("GET", "/api/v1/collections", arn=arn)["statusCode"] == status


@pytest.mark.parametrize("groups", ["staff", "[others staff]", "others,staff"])
def test_a_user_has_the_grants_of_all_its_groups(deploy: Deploy, groups: str) -> None:
    claims = {"cognito:groups": groups}
    assert deploy("COGNITO")("GET", "/api/v1/collections", claims=claims)["statusCode"] == 200


def test_a_user_who_signed_up_without_a_group_may_do_nothing(deploy: Deploy) -> None:
    assert deploy("COGNITO")("GET", "/api/v1/collections", claims={})["statusCode"] == 403


def test_the_table_is_changed_without_a_deployment(table: Path) -> None:
    now = [0.0]
    access = AccessTable(table.read_bytes, lambda: now[0])
    caller = Caller(USER_ARN, arn=USER_ARN)
    table.write_text(json.dumps({"grants": EVERYBODY}))
    assert access.find_principal(caller) is not None
    table.write_text(json.dumps({"grants": []}))
    now[0] = TABLE_LIFETIME
    assert access.find_principal(caller) is None


def test_the_access_log_says_who_did_what_and_holds_nothing_of_faces(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    function = deploy("AWS_IAM")
    caplog.set_level(logging.INFO)
    function("POST", "/api/v1/collections", {"collection_id": "people"})
    function("POST", "/api/v1/face-recognition/match", {"collection_id": "people", "image": "c2Vj"})
    target = {"X-Amz-Target": "RekognitionService.ListFaces"}
    function("POST", "/", {"CollectionId": "people"}, headers=target)
    function("GET", "/api/v1/collections", authorization=OPEN)

    entries = [
        vars(record)["fields"] for record in caplog.records if record.getMessage() == "access"
    ]
    shown = ("principal", "operation", "collection_id", "status")
    assert [tuple(entry[name] for name in shown) for entry in entries] == [
        (USER_ARN, "POST /api/v1/collections", "people", 201),
        (USER_ARN, "POST /api/v1/face-recognition/match", "people", 422),
        (USER_ARN, "rekognition:ListFaces", "people", 200),
        ("", "GET /api/v1/collections", None, 403),
    ]
    assert all(entry["milliseconds"] >= 0 for entry in entries)
    assert "c2Vj" not in str(entries)


def test_the_access_log_says_who_was_refused_and_what_was_invalid(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    function = deploy("AWS_IAM", [])
    caplog.set_level(logging.INFO)
    target = {"X-Amz-Target": "RekognitionService.DeleteCollection"}
    function("GET", "/api/v1/collections/secret")
    function("POST", "/", {"CollectionId": "secret"}, headers=target)
    function = deploy("AWS_IAM")
    function("POST", "/api/v1/face-recognition/match", {"nonsense": 1})
    function("DELETE", "/api/v1/collections/%3Cscript%3E")
    function("POST", "/", {"nonsense": 1}, headers=target)
    function("POST", "/", {}, headers={"X-Amz-Target": "RekognitionService.ann@example.org"})
    function("GET", "/nowhere/ann@example.org")

    entries = [
        vars(record)["fields"] for record in caplog.records if record.getMessage() == "access"
    ]
    shown = ("principal", "operation", "collection_id", "status")
    collection = "/api/v1/collections/{collection_id}"
    assert [tuple(entry[name] for name in shown) for entry in entries] == [
        (USER_ARN, f"GET {collection}", "secret", 403),
        (USER_ARN, "rekognition:DeleteCollection", None, 400),
        (USER_ARN, "POST /api/v1/face-recognition/match", None, 422),
        (USER_ARN, f"DELETE {collection}", None, 422),
        (USER_ARN, "rekognition:DeleteCollection", None, 400),
        (USER_ARN, "", None, 400),
        (USER_ARN, "", None, 404),
    ]
    assert "example.org" not in str(entries)


@pytest.mark.parametrize("mode", ["", "NONE", "API_KEY", "ACCESS_KEY", "aws_iam"])
def test_a_function_that_is_not_told_its_mode_does_not_start(deploy: Deploy, mode: str) -> None:
    with pytest.raises(InvalidInputError, match="API_AUTHORIZATION"):
        deploy(mode)


def test_the_issuer_follows_from_the_arn_of_the_pool() -> None:
    assert issuer_of(POOL_ARN) == ISSUER
    with pytest.raises(InvalidInputError, match="user pool"):
        issuer_of("arn:aws:iam::123456789012:user/x")


def test_the_web_page_is_not_offered_behind_the_gateway(deploy: Deploy) -> None:
    answer = deploy("AWS_IAM")("GET", "/")
    assert answer["statusCode"] == 405
    assert "text/html" not in str(answer)
