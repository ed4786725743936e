"""A stack clusters the faces of unknown people, who are named through its API."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from facerec.config import read_settings
from facerec.core.erasures import SubjectKind
from facerec.core.schemas import violation
from facerec.factory import open_deployed_checked_stores
from facerec.jobs.erasure_check.check import find_remainders
from facerec.jobs.erasure_check.traces import collect_traces
from facerec.testing.engine import fake_face, fake_photo
from lambdas.api.building import build_app, for_lambda
from lambdas.erasure import clusters as reviewing
from lambdas.erasure import handler as erasing
from tests.support.gateway_events import USER_ARN, rest_event
from tests.support.permissions import acting_as
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import TABLE, VECTORS, deploy_with_stores, open_api_gallery

CLUSTERS = "/api/v1/collections/staff/clusters"


class Api:
    """The function behind API Gateway, with the permissions of its role."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        table = {"grants": [{"principal": USER_ARN, "collections": "*", "access": "write"}]}
        address = stack.put("access.json", json.dumps(table).encode())
        environment = {
            "AWS_S3_BUCKET": BUCKET,
            "AWS_REGION": "us-east-1",
            "FACEREC_TABLE": TABLE,
            "VECTOR_BUCKET": VECTORS,
            "ERASURE_FUNCTION": "ErasureFunction",
            "API_AUTHORIZATION": "AWS_IAM",
            "ACCESS_TABLE": address,
            **stack.clustering,
        }
        self._function = for_lambda(build_app(environment, 4_500_000))

    def __call__(
        self, method: str, path: str, document: object = None
    ) -> tuple[int, dict[str, Any]]:
        event = rest_event(method, path, document, authorization="AWS_IAM", arn=USER_ARN)
        with acting_as("ApiFunction", self._stack.permissions):
            answer = self._function(event, None)
        assert self._stack.permissions.denied == []
        body = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body).decode()
        return answer["statusCode"], json.loads(body) if body else {}


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with four photos of Ann and three of Bob, whom nobody has named."""
    stack = deploy_with_stores(deploy, monkeypatch)
    for name, value in stack.clustering.items():
        monkeypatch.setenv(name, value)
    reviewing._jobs.cache_clear()
    for shot in range(4):
        put_photo(stack, "ann", shot)
    for shot in range(3):
        put_photo(stack, "bob", shot)
    index(stack)
    yield stack
    erasing._gallery.cache_clear()
    reviewing._jobs.cache_clear()


@pytest.fixture
def api(stack: Stack) -> Api:
    return Api(stack)


def put_photo(stack: Stack, person: str, shot: int) -> None:
    photo = fake_photo(fake_face(person, away=0.05 * shot, shot=shot))
    stack.put(f"photos/{person}-{shot}.jpg", photo)


def index(stack: Stack) -> None:
    ended = stack.index(f"s3://{BUCKET}/photos/")
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")


def cluster(stack: Stack, api: Api) -> None:
    """Cluster the faces, as a client of the API does."""
    status, job = api("POST", CLUSTERS, {})
    assert stack.permissions.denied == []
    assert status == 202
    assert violation("clustering-job", job) is None
    status, job = api("GET", "/api/v1/collections/staff/clustering")
    assert (status, job["status"], job["reason"]) == (200, "SUCCEEDED", None)


def clusters(api: Api) -> dict[str, dict[str, Any]]:
    status, page = api("GET", CLUSTERS)
    assert status == 200, page
    assert violation("cluster-list", page) is None
    return {each["cluster_id"]: each for each in page["clusters"]}


def test_a_job_clusters_faces_that_are_named_through_the_api(stack: Stack, api: Api) -> None:
    assert clusters(api) == {}
    cluster(stack, api)
    found = clusters(api)
    assert [each["size"] for each in found.values()] == [4, 3]
    assert list(found) == ["c1", "c2"]

    status, named = api("PUT", f"{CLUSTERS}/c1/person", {"user_id": "ann", "name": "Ann"})
    assert (status, len(named["changed"])) == (200, 4)
    assert list(clusters(api)) == ["c2"]
    assert api("PUT", f"{CLUSTERS}/c2/ignored")[0] == 204
    assert clusters(api) == {}

    # New photos of both join their clusters; what was said stays.
    put_photo(stack, "ann", 4)
    put_photo(stack, "bob", 3)
    index(stack)
    cluster(stack, api)
    (suggested,) = clusters(api).values()
    assert (suggested["cluster_id"], suggested["user_id"], suggested["size"]) == ("c1", "ann", 1)
    status, ignored = api("GET", f"{CLUSTERS}/c2")
    assert (status, ignored["ignored"], ignored["size"]) == (200, True, 4)
    status, person = api("GET", "/api/v1/collections/staff/people/ann")
    assert (status, len(person["face_ids"])) == (200, 4)


@pytest.mark.long
def test_what_is_said_of_a_cluster_is_obeyed_by_the_next_job(stack: Stack, api: Api) -> None:
    cluster(stack, api)
    api("PUT", f"{CLUSTERS}/c1/person", {"user_id": "ann"})
    put_photo(stack, "ann", 4)
    index(stack)
    cluster(stack, api)
    (face_id,) = clusters(api)["c1"]["face_ids"]
    assert api("PUT", f"{CLUSTERS}/c1/not-same/ann")[0] == 204
    odd = clusters(api)["c2"]["face_ids"][0]
    assert api("PUT", f"/api/v1/collections/staff/faces/{odd}/not-a-face")[0] == 204

    cluster(stack, api)

    found = clusters(api)
    assert list(found) == ["c2"]
    assert odd not in found["c2"]["face_ids"]
    _, person = api("GET", "/api/v1/collections/staff/people/ann")
    assert face_id not in person["face_ids"]


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("/api/v1/collections/nowhere/clusters", {}, 404),
        (CLUSTERS, {"pair_threshold": 2}, 422),
    ],
)
def test_what_cannot_be_clustered_is_refused_before_a_job(
    stack: Stack, api: Api, path: str, document: dict[str, Any], status: int
) -> None:
    submitted = len(stack.machines.submissions)
    assert api("POST", path, document)[0] == status
    assert len(stack.machines.submissions) == submitted


def test_an_erased_face_leaves_its_cluster(stack: Stack, api: Api) -> None:
    cluster(stack, api)
    face_id = clusters(api)["c1"]["face_ids"][0]
    settings = read_settings(
        {
            "AWS_S3_BUCKET": BUCKET,
            "FACEREC_TABLE": TABLE,
            "VECTOR_BUCKET": VECTORS,
            "AWS_REGION": "us-east-1",
        }
    )
    stores = open_deployed_checked_stores(settings)
    gallery = open_api_gallery()
    selection = gallery.select("staff", SubjectKind.FACE, face_id)
    traces = collect_traces("staff", selection, stores)
    assert any(each.place == "the clusters" for each in find_remainders("staff", traces, stores))

    assert api("DELETE", f"/api/v1/collections/staff/faces/{face_id}")[0] in (200, 204)

    assert face_id not in clusters(api)["c1"]["face_ids"]
    assert list(find_remainders("staff", traces, stores)) == []
    digits = bytes.fromhex(face_id.replace("-", ""))
    items = boto3.client("dynamodb", region_name="us-east-1").scan(TableName=TABLE)["Items"]
    assert not any(digits in each.get("faces", {"B": b""}).get("B", b"") for each in items)
    cluster(stack, api)
    assert face_id not in clusters(api)["c1"]["face_ids"]


def test_a_deleted_collection_leaves_no_cluster(stack: Stack, api: Api) -> None:
    cluster(stack, api)
    api("PUT", f"{CLUSTERS}/c2/ignored")
    assert api("DELETE", "/api/v1/collections/staff")[0] in (200, 202, 204)
    items = boto3.client("dynamodb", region_name="us-east-1").scan(TableName=TABLE)["Items"]
    assert [each for each in items if each["pk"]["S"].startswith("clusters#")] == []


def test_the_command_line_clusters_and_names_faces_of_a_stack(
    stack: Stack, api: Api, command_line: CliRunner
) -> None:
    def run(*words: str) -> str:
        result = command_line.invoke(main, ["people", *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    page = json.loads(run("suggest", "--collection", "staff", "--json"))
    assert violation("cluster-list", page) is None
    assert [each["size"] for each in page["clusters"]] == [4, 3]
    assert "4 faces" in run("cluster", "--collection", "staff", "c1")
    named = run("name", "--collection", "staff", "c1", "Ann Lee", "--by", "zoe")
    assert "4 faces added to Ann Lee" in named
    assert "c1" not in run("suggest", "--collection", "staff")
    run("ignore", "--collection", "staff", "c2")
    assert clusters(api) == {}
    run("ignore", "--collection", "staff", "c2", "--lift")
    face_id = clusters(api)["c2"]["face_ids"][0]
    run("not-a-face", "--collection", "staff", face_id)
    run("not-same", "--collection", "staff", "c2", "Ann Lee")
    assert clusters(api)["c2"]["size"] == 2
    entries = open_api_gallery().list_history("staff").entries
    assert "zoe" in {entry.cause.by for entry in entries}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("suggest", "--collection", "nowhere"), 3, "nowhere"),
        (("name", "--collection", "staff", "c99", "Ann"), 3, "c99"),
    ],
)
def test_what_cannot_be_done_in_a_stack_is_one_line(
    stack: Stack, command_line: CliRunner, words: tuple[str, ...], code: int, message: str
) -> None:
    result = command_line.invoke(main, ["people", *words])
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in result.stderr
