"""What a dry run and a plan say of the vector store of a stack, before a machine starts."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from facerec.core.records import Collection
from facerec.errors import ConfigurationError, StoreUnavailableError
from facerec.jobs.aws.preflight import Findings, examine, require_startable_children
from facerec.jobs.aws.start_problems import AwsClients
from facerec.jobs.aws.vector_stores import JobVectors
from facerec.jobs.planning.request import read_job_request
from facerec.storage.pinecone import asking
from facerec.storage.s3vectors.vector_store import index_names
from tests.support.aws_account import client_of, emulated_account, stack_in
from tests.support.http_server import HttpServer, Response
from tests.support.memory_objects import MemoryObjects
from tests.support.pinecone_server import API_KEY, PineconeServer

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with emulated_account(monkeypatch):
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="facerec-work")
        yield


class Resources:
    """CloudFormation, as far as it names the vector bucket of a stack."""

    def describe_stack_resource(self, **request: str) -> dict[str, Any]:
        assert request == {"StackName": "facerec", "LogicalResourceId": "VectorBucket"}
        arn = f"arn:aws:s3vectors:{REGION}:123456789012:bucket/facerec-vectors"
        return {"StackResourceDetail": {"PhysicalResourceId": arn}}


def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no static types
    if service == "cloudformation":
        return Resources()
    return client_of(service, REGION)


def findings(store: str, region: str = REGION, **parameters: str) -> Findings:
    stack = stack_in(region, store, **parameters)
    photos = {"collection_id": "staff", "manifest": "s3://facerec-work/photos/"}
    found = examine(read_job_request(photos), stack, AwsClients(client), MemoryObjects())
    assert not [line for line in (*found.problems, *found.remarks) if "\n" in line]
    return found


def make_index(dimension: int, metric: str, name: str = "vectors-a") -> None:
    vectors = client("s3vectors")
    with suppress(vectors.exceptions.ConflictException):
        vectors.create_vector_bucket(vectorBucketName="facerec-vectors")
    vectors.create_index(
        vectorBucketName="facerec-vectors",
        indexName=name,
        dataType="float32",
        dimension=dimension,
        distanceMetric=metric,
    )


def test_a_vector_bucket_that_was_deleted_is_named() -> None:
    (problem,) = findings("s3vectors").problems
    assert problem.startswith("VectorStore: the vector bucket facerec-vectors does not exist")


@pytest.mark.parametrize(
    ("dimension", "metric", "problems"),
    [(128, "euclidean", 0), (64, "euclidean", 1), (128, "cosine", 1)],
)
def test_indexes_of_another_dimension_or_metric_are_named(
    dimension: int, metric: str, problems: int
) -> None:
    make_index(dimension, metric)
    found = findings("s3vectors").problems
    assert len(found) == problems
    differs = "metric cosine, not euclidean" if dimension == 128 else "dimension 64, not 128"
    assert all(f"the index vectors-a has {differs}" in problem for problem in found)


def secret(key: str = API_KEY) -> str:
    made = client("secretsmanager").create_secret(Name=f"pinecone-{uuid4()}", SecretString=key)
    return str(made["ARN"])


def pinecone(
    monkeypatch: pytest.MonkeyPatch,
    server: PineconeServer,
    *,
    key: str = API_KEY,
    region: str = REGION,
    **given: str,
) -> Findings:
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", server.host)
    parameters = {
        "PineconeSecretArn": secret(key),
        "PineconeIndexName": "faces",
        "PineconeIndexHost": server.host,
        **given,
    }
    return findings("pinecone", region, **parameters)


def test_nothing_is_said_of_an_index_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    with PineconeServer() as server:
        assert pinecone(monkeypatch, server) == Findings(256)


@pytest.mark.parametrize(("dimension", "metric"), [(512, "euclidean"), (128, "cosine")])
def test_a_pinecone_index_of_another_dimension_or_metric_is_named(
    monkeypatch: pytest.MonkeyPatch, dimension: int, metric: str
) -> None:
    with PineconeServer(dimension=dimension, metric=metric) as server:
        (problem,) = pinecone(monkeypatch, server).problems
    assert problem.startswith("PineconeIndexName: the Pinecone index has ")
    assert "dimension 128 and metric euclidean" in problem


def test_an_index_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with PineconeServer() as server:
        (problem,) = pinecone(monkeypatch, server, PineconeIndexName="other").problems
    assert problem.startswith("PineconeIndexName: the project of the API key has no index 'other'")


def test_the_host_of_another_index_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with PineconeServer() as server:
        (problem,) = pinecone(monkeypatch, server, PineconeIndexHost="https://other.io/").problems
    assert problem.startswith("PineconeIndexHost: the host of the index 'faces' is 127.0.0.1")


def test_a_key_that_is_not_accepted_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PineconeServer() as server:
        (problem,) = pinecone(monkeypatch, server, key="a-wrong-key").problems
    assert problem.startswith("PineconeSecretArn: Pinecone does not accept the key")
    assert "a-wrong-key" not in problem


def test_an_index_in_another_region_is_remarked_upon_and_refused_by_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PineconeServer() as server:
        found = pinecone(monkeypatch, server, region="eu-west-1")
    (remark,) = found.remarks
    assert "aws us-east-1, but jobs run in aws eu-west-1" in remark
    assert not [problem for problem in found.problems if "Pinecone" in problem]


def refusal(host: str, key: str = API_KEY, **given: str) -> str:
    """Return why a plan is refused, or nothing."""
    made = given.get("secret") or secret(key)
    try:
        require_startable_children(None, JobVectors(secret=made, host=host), AwsClients(client))
    except ConfigurationError as error:
        assert key not in "".join(traceback.format_exception(error))
        assert "\n" not in error.message
        return error.message
    return ""


def test_a_plan_asks_the_index_once_and_accepts_one_that_fits() -> None:
    with PineconeServer() as server:
        assert refusal(server.host, key=f"{API_KEY}\n") == ""
        assert server.requests == {"/describe_index_stats": 1}


@pytest.mark.parametrize(
    ("dimension", "metric", "said"),
    [
        (512, "euclidean", "has dimension 512, not 128"),
        (128, "cosine", "has metric cosine, not euclidean"),
    ],
)
def test_a_plan_refuses_an_index_of_another_dimension_or_metric(
    dimension: int, metric: str, said: str
) -> None:
    with PineconeServer(dimension=dimension, metric=metric) as server:
        assert refusal(server.host) == (
            f"PineconeIndexHost: the Pinecone index {said}: create one with dimension 128 and"
            " metric euclidean, see docs/pinecone.md"
        )


@pytest.mark.parametrize(
    "key", ["a-wrong-key", "a key\nof two lines", "schl\u00fcssel", '{"key": "pretty",\r\n}']
)
def test_a_plan_refuses_a_key_that_pinecone_refuses_and_does_not_show_it(key: str) -> None:
    with PineconeServer() as server:
        assert refusal(server.host, key).startswith("PineconeSecretArn: ")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_key_names_the_secret(status: int) -> None:
    with PineconeServer() as server:
        server.fail("/describe_index_stats", status, 1)
        found = refusal(server.host)
    assert found.startswith("PineconeSecretArn: Pinecone does not accept the key in arn:")


def test_a_secret_without_text_is_refused() -> None:
    made = client("secretsmanager").create_secret(Name="binary", SecretBinary=b"key")["ARN"]
    with PineconeServer() as server:
        found = refusal(server.host, secret=made)
        assert server.requests == {}
    assert found.startswith(f"PineconeSecretArn: the value of {made} is not an API key")


def test_a_host_without_an_index_is_refused() -> None:
    with PineconeServer() as server:
        server.fail("/describe_index_stats", 404, 1)
        assert refusal(server.host).startswith(
            f"PineconeIndexHost: no index responds at {server.host}"
        )
    assert refusal("https://").startswith("PineconeIndexHost: 'https://' is not the host")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_index_that_does_not_answer_now_is_left_to_the_children(status: int) -> None:
    with PineconeServer(dimension=512) as server:
        server.fail("/describe_index_stats", status, 1)
        assert refusal(server.host) == ""
    # The server has ended.
    assert refusal(server.host) == ""
    assert refusal("faces.invalid") == ""


class Elsewhere(HttpServer):
    """A server that redirects to another one, or answers with what no index answers."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        return self.response


def test_a_key_is_sent_to_no_other_host_and_an_odd_answer_refuses_nothing() -> None:
    with PineconeServer(dimension=512) as server:
        moved = Response({}, 302, {"Location": f"{server.host}/describe_index_stats"})
        with Elsewhere(moved) as other:
            assert refusal(other.address) == ""
        with Elsewhere(Response({})) as other:
            assert refusal(other.address) == ""
        assert server.requests == {}


def test_a_key_leaves_this_machine_encrypted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Connection:
        def __init__(self, host: str, port: int | None, *, timeout: float) -> None:
            opened.append((host, port, timeout))
            raise OSError

    monkeypatch.setattr("facerec.storage.pinecone.asking.HTTPSConnection", Connection)
    with pytest.raises(OSError):
        refusal("http://faces.svc.pinecone.io")
    assert opened == [("faces.svc.pinecone.io", None, 10.0)]


STAFF = Collection("staff", "fake-1", 0.0)


@pytest.mark.parametrize(
    ("dimension", "metric", "said"),
    [
        (128, "euclidean", ""),
        (64, "euclidean", "has dimension 64, not 128"),
        (128, "cosine", "has metric cosine, not euclidean"),
    ],
)
def test_a_plan_checks_the_indexes_of_its_collection_in_s3_vectors(
    dimension: int, metric: str, said: str
) -> None:
    for name in index_names("staff/users"):
        make_index(dimension, metric, name)
    for name in index_names("others"):
        make_index(64, "cosine", name)

    def refusal(collection: Collection | None) -> str:
        vectors = JobVectors(collection, bucket="facerec-vectors")
        try:
            require_startable_children(None, vectors, AwsClients(client))
        except ConfigurationError as error:
            return error.message
        return ""

    assert refusal(None) == ""
    found = refusal(STAFF)
    assert found.startswith("VectorStore: the index vectors-") if said else found == ""
    assert said in found


def answering(code: str, *, described: bool = False) -> AwsClients:
    """Return clients of a Secrets Manager that answers with an error."""
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")

    def fail(**_request: str) -> dict[str, str]:
        raise error

    describe = (lambda **_request: {}) if described else fail
    return AwsClients(lambda _: SimpleNamespace(describe_secret=describe, get_secret_value=fail))


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        (
            answering("AccessDeniedException"),
            "may not be read: give the whole ARN",
        ),
        (answering("AccessDeniedException", described=True), "as SecretKeyArn"),
        (answering("ResourceNotFoundException"), "does not exist"),
        (answering("ResourceNotFoundException", described=True), "has no value: store the API key"),
        (answering("DecryptionFailure", described=True), "give the key as SecretKeyArn"),
        (
            answering("InvalidRequestException", described=True),
            "in its current state",
        ),
    ],
)
@pytest.mark.parametrize("host", [None, "127.0.0.1:1"])
def test_a_plan_refuses_a_secret_that_no_child_can_receive(
    clients: AwsClients, said: str, host: str | None
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        require_startable_children(None, JobVectors(secret="arn:secret", host=host), clients)
    assert refused.value.message.startswith("PineconeSecretArn: arn:secret ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceError"])
def test_a_plan_refuses_nothing_while_secrets_cannot_be_asked_for(code: str) -> None:
    for described in (True, False):
        clients = answering(code, described=described)
        require_startable_children(None, JobVectors(secret="arn:secret", host="x"), clients)


def test_a_secret_without_a_value_is_refused_once() -> None:
    made = client("secretsmanager").create_secret(Name="empty")["ARN"]
    assert refusal("127.0.0.1:1", secret=made).endswith(
        f"{made} has no value: store the API key in it"
    )
    found = findings("pinecone", PineconeSecretArn=made, PineconeIndexName="faces").problems
    assert [each for each in found if "PineconeSecretArn" in each] == [
        f"PineconeSecretArn: {made} has no value: store the API key in it"
    ]


def test_credentials_that_may_not_read_a_secret_refuse_no_job_that_is_only_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "tests.functional.jobs.test_vector_store_checks.client",
        lambda service: (
            answering("AccessDeniedException").open(service)
            if service == "secretsmanager"
            else client_of(service, REGION)
        ),
    )
    found = findings("pinecone", PineconeSecretArn="arn:secret", PineconeIndexName="faces").problems
    assert not [each for each in found if "PineconeSecretArn" in each]


def slowly() -> Iterator[bytes]:
    for _ in range(600):
        time.sleep(0.1)
        yield b" "


@pytest.mark.parametrize(
    "parts", [slowly(), [b" " * 100_000] * 100, [b"[" * 200_000]], ids=["slow", "large", "nested"]
)
def test_an_answer_that_does_not_end_is_given_up(parts: Iterable[bytes]) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for part in parts:
                connection.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            asking.require_fitting_index(
                "key", f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=1
            )
    assert time.monotonic() - started < 40
