"""What a dry run says of the vector store of a stack, before a machine starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from facerec.jobs.aws.preflight import Findings, examine
from facerec.jobs.aws.start_problems import AwsClients
from facerec.jobs.planning.request import read_job_request
from tests.support.aws_account import client_of, emulated_account, stack_in
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


def make_index(dimension: int, metric: str) -> None:
    vectors = client("s3vectors")
    vectors.create_vector_bucket(vectorBucketName="facerec-vectors")
    vectors.create_index(
        vectorBucketName="facerec-vectors",
        indexName="vectors-a",
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
    assert all(f"dimension {dimension} and metric {metric}" in problem for problem in found)


def secret(key: str = API_KEY) -> str:
    made = client("secretsmanager").create_secret(Name="pinecone", SecretString=key)
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
